"""Commands that run in a sandbox: in its container, or else on this host."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

KILLED = 137


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal that a user sits at."""

    kind: str = "xterm"
    columns: int = 80
    rows: int = 24


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a command for ``sh``, or a shell if there is none."""

    command: str | None
    cwd: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    terminal: Terminal | None = None
    reads: bool = False
    """Whether it gets input; without, it is at its end from the start."""
    arguments: tuple[str, ...] = ()
    """``$1`` and so on."""


class Execution(ABC):
    """One that runs; its output is to be read up to the end."""

    @abstractmethod
    def output(self) -> AsyncIterator[tuple[bool, bytes]]:
        """Yield what it writes, as it comes, in pairs of whether to stderr and the data."""

    @abstractmethod
    async def write(self, data: bytes) -> None:
        """Give it input; what it no longer reads is lost."""

    @abstractmethod
    async def end_input(self) -> None:
        """Let it find the end of its input."""

    @abstractmethod
    async def resize(self, columns: int, rows: int) -> None:
        """Tell it that the terminal has another size."""

    @abstractmethod
    async def signal(self, name: str) -> None:
        """Send a signal, such as ``TERM``, to it and to all that it started."""

    @abstractmethod
    async def exit_code(self) -> int:
        """How it ended; asked for after its output has."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of it, whether or not it still runs."""


async def launch(world: World, sandbox: SandboxRecord, order: Order) -> Execution:
    """Begin to run something in a sandbox that is started."""
    if world.engine is None:
        from tests.daytona_server import host_executions

        return await host_executions.start(world.places.of(sandbox), order)
    from tests.daytona_server import engine_executions

    return await engine_executions.start(world, sandbox, order)


@dataclass(slots=True)
class Outcome:
    """All that came of one."""

    code: int
    stdout: bytes
    stderr: bytes
    output: bytes


async def finish(
    execution: Execution, given: AsyncIterable[bytes] | None = None, reads: bool = False
) -> Outcome:
    """Feed it, read it to its end and let go of it; when cancelled it is killed."""
    both: list[tuple[bool, bytes]] = []
    feeding = asyncio.ensure_future(_feed(execution, given)) if reads else None
    try:
        async for part in execution.output():
            both.append(part)  # noqa: PERF401  # so that cancelling finds the loop
        code = await execution.exit_code()
    except asyncio.CancelledError:
        await asyncio.shield(execution.signal("KILL"))
        raise
    finally:
        if feeding is not None:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
        await execution.close()
    return Outcome(
        code,
        b"".join(data for error, data in both if not error),
        b"".join(data for error, data in both if error),
        b"".join(data for _, data in both),
    )


async def once(data: bytes | None) -> AsyncIterator[bytes]:
    """Yield data, if there is any."""
    if data:
        yield data


async def _feed(execution: Execution, given: AsyncIterable[bytes] | None) -> None:
    if given is not None:
        async for data in given:
            await execution.write(data)
    await execution.end_input()
