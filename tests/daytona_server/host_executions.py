"""Commands in a sandbox without a container: processes of this host."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import termios
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from tests.daytona_server.executions import Execution, Order, Terminal
from tests.daytona_server.host_processes import CHUNK
from tests.daytona_server.toolbox_errors import ToolboxError

if TYPE_CHECKING:
    from tests.daytona_server.host_processes import HostProcesses
    from tests.daytona_server.places import Place

SH = "/bin/sh"
# A leader of a session without a terminal gets the first that it opens.
_IN_TERMINAL = 'exec <"$1" >"$1" 2>"$1"; shift; exec "$@"'


def shell() -> str:
    """Return the shell of sessions and of users."""
    return shutil.which("bash") or SH


async def start(place: Place, order: Order) -> HostExecution:
    """Begin to run something at the place of a sandbox.

    Raises:
        ToolboxError: the working directory is missing.
    """
    arguments = [shell()] if order.command is None else [SH, "-c", order.command, "sh"]
    arguments += order.arguments
    env = place.env | order.env
    folder = order.cwd or str(place.home)
    if not os.path.isdir(folder):  # noqa: PTH112  # of the command, which may be relative
        raise ToolboxError(400, f"chdir {folder}: no such file or directory")
    if order.terminal is not None:
        return await _start_in_terminal(
            place.processes, order, order.terminal, arguments, folder, env
        )
    process = await place.processes.start(
        *arguments,
        stdin=PIPE if order.reads else DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=folder,
        env=env,
    )
    return HostExecution(process)


async def _start_in_terminal(
    processes: HostProcesses,
    order: Order,
    terminal: Terminal,
    arguments: list[str],
    folder: str,
    env: dict[str, str],
) -> HostExecution:
    if order.command is None:
        arguments = [shell(), *(["--norc"] if shell() != SH else []), "-i"]
    pair = pty.openpty()
    _resize(pair[0], terminal.columns, terminal.rows)
    process = await processes.start(
        *(SH, "-c", _IN_TERMINAL, "sh", os.ttyname(pair[1]), *arguments),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        cwd=folder,
        env={**env, "TERM": terminal.kind, "PS1": "$ "},
    )
    return TerminalExecution(process, pair)


def _resize(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class HostExecution(Execution):
    """One on this host, in a group of its own."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._parts: asyncio.Queue[tuple[bool, bytes] | None] = asyncio.Queue(64)
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        streams = ((False, self._process.stdout), (True, self._process.stderr))
        await asyncio.gather(*(self._pass_on(error, stream) for error, stream in streams))
        await self._parts.put(None)

    async def _pass_on(self, error: bool, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(CHUNK):
            await self._parts.put((error, data))

    async def output(self) -> AsyncIterator[tuple[bool, bytes]]:
        while (part := await self._parts.get()) is not None:
            yield part

    async def write(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(ConnectionError):
            stdin.write(data)
            await stdin.drain()

    async def end_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def resize(self, columns: int, rows: int) -> None:
        """Without a terminal there is nothing to do."""

    async def signal(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.Signals[f"SIG{name}"])

    async def exit_code(self) -> int:
        """Return it as a shell does: 128 and the signal for one that was killed."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self.end_input()


class TerminalExecution(HostExecution):
    """One in a terminal of its own; what it leaves running there is not listened to."""

    def __init__(self, process: Process, pair: tuple[int, int]) -> None:
        self._ours, self._theirs = pair
        os.set_blocking(self._ours, False)
        super().__init__(process)
        self._parts = asyncio.Queue()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._ours, self._take)
        try:
            await self._process.wait()
            self._take()
        finally:
            loop.remove_reader(self._ours)
            self._parts.put_nowait(None)

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, CHUNK):
                self._parts.put_nowait((False, data))

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._ours, data)

    async def end_input(self) -> None:
        await self.write(b"\x04")

    async def resize(self, columns: int, rows: int) -> None:
        _resize(self._ours, columns, rows)

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        os.close(self._ours)
        os.close(self._theirs)
