"""What runs in a sandbox without a container: a script of the test's, or next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from tests.daytona_server.executions import Execution, Order, Terminal

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

StubAnswer = tuple[int, str] | tuple[int, str, str]
"""Exit code, stdout and, when there is any, stderr."""
PROMPT = "$ "
_SIGNALS = {"HUP": 129, "INT": 130, "KILL": 137, "TERM": 143}


class StubProgram:
    """A command as the script sees it that runs instead.

    ``command`` is None for a shell. ``read`` gives the next of its input and ``b""`` at the end.
    """

    def __init__(self, world: World, sandbox: SandboxRecord, order: Order) -> None:
        self.sandbox = sandbox
        self.command = order.command
        self.cwd = order.cwd
        self.env = dict(order.env)
        self.terminal: Terminal | None = order.terminal
        self.signals: list[str] = []
        self._world = world
        self._written: asyncio.Queue[tuple[bool, bytes] | None] = asyncio.Queue()
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._at_end = not order.reads

    def write(self, text: str | bytes) -> None:
        """Write to stdout."""
        self._put(False, text)

    def write_error(self, text: str | bytes) -> None:
        """Write to stderr."""
        self._put(True, text)

    def _put(self, error: bool, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        if data:
            self._written.put_nowait((error, data))

    async def read(self) -> bytes:
        """Return the next chunk of the input; ``b""`` at its end."""
        if self._at_end:
            return b""
        data = await self._input.get()
        self._at_end = not data
        return data

    async def until(self, condition: Callable[[], object], seconds: float = 10) -> None:
        """Go on when the test says so, for example with the ``is_set`` of an event."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the test never let the command go on")
            await asyncio.sleep(0.005)

    def answer(self, command: str) -> int:
        """Write what ``stub_execute`` says of a command; gives its exit code."""
        code, stdout, *rest = self._world.stub_execute(self.sandbox, command)
        self.write(stdout)
        self.write_error(rest[0] if rest else "")
        return code


def tiny_execute(sandbox: SandboxRecord, command: str) -> StubAnswer:
    """``echo …`` and ``exit N``; of everything else nothing comes."""
    try:
        word, *rest = shlex.split(command)
    except ValueError:
        return 2, "", "sh: syntax error\n"
    if word == "echo":
        return 0, " ".join(rest) + "\n"
    if word == "exit":
        return int(rest[0]) if rest else 0, ""
    return 0, ""


async def run_stub(program: StubProgram) -> int:
    """Run a command by ``stub_execute``; a shell passes it line by line."""
    if program.command is not None:
        return program.answer(program.command)
    terminal = program.terminal is not None
    rest = b""
    program.write(PROMPT if terminal else "")
    while data := await program.read():
        if terminal:
            program.write(data.replace(b"\r", b"\r\n"))
            data = data.replace(b"\r", b"\n")
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            command = line.decode(errors="replace").strip()
            code = program.answer(command) if command else 0
            if command.split()[:1] == ["exit"]:
                return code
            program.write(PROMPT if terminal else "")
    return 0


class StubExecution(Execution):
    """One without a container."""

    def __init__(self, world: World, sandbox: SandboxRecord, order: Order) -> None:
        self._world = world
        self._program = StubProgram(world, sandbox, order)
        self._code = 0
        self.sandbox = sandbox
        world.stubs.add(self)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        program = self._program
        try:
            self._code = await self._world.stub_program(program)
        except Exception as error:  # noqa: BLE001  # told at the end of the test
            self._world.violations.append(f"the script of a command failed: {error!r}")
            self._code = 1
        finally:
            self._world.stubs.discard(self)
            program._written.put_nowait(None)

    async def output(self) -> AsyncIterator[tuple[bool, bytes]]:
        while (part := await self._program._written.get()) is not None:
            yield part

    async def write(self, data: bytes) -> None:
        if data:
            self._program._input.put_nowait(data)

    async def end_input(self) -> None:
        self._program._input.put_nowait(b"")

    async def resize(self, columns: int, rows: int) -> None:
        before = self._program.terminal or Terminal()
        self._program.terminal = Terminal(before.kind, columns, rows)

    async def signal(self, name: str) -> None:
        """Record a signal, and end the program by any."""
        self._program.signals.append(name)
        if not self._task.done():
            self._code = _SIGNALS.get(name, 1)
            self._task.cancel()

    async def exit_code(self) -> int:
        return self._code

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
