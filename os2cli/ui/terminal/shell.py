"""A program in its own pseudo-terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import anyio
from ptyprocess import PtyProcess

READ_BYTES = 32 * 1024
# How long os2 may take to end the process in the machine before os2 is killed.
GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02
# The page's terminal, not the one that the server was started in.
_TERMINAL = ("TERM=xterm-256color", "COLORTERM=truecolor")


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a terminal in characters."""

    columns: int
    rows: int

    @classmethod
    def of(cls, columns: object, rows: object) -> Size:
        """Return the requested size within bounds."""
        return cls(_within(columns, 80, 1000), _within(rows, 24, 500))


def _within(value: object, default: int, maximum: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 9:
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return min(value, maximum) if usable and isinstance(value, int) else default


class Shell:
    """A program and its terminal; ``end`` must always be awaited."""

    def __init__(self, command: Sequence[str], size: Size) -> None:
        self._process = PtyProcess.spawn(
            ["/usr/bin/env", *_TERMINAL, *command], dimensions=(size.rows, size.columns)
        )
        self._process.delayafterclose = self._process.delayafterterminate = 0
        self._fd: int = self._process.fd
        os.set_blocking(self._fd, False)

    @property
    def pid(self) -> int:
        """The process id of the program."""
        return int(self._process.pid)

    async def read(self) -> bytes:
        """Return the next output, empty at the end."""
        while True:
            try:
                return os.read(self._fd, READ_BYTES)
            except BlockingIOError:
                await anyio.wait_readable(self._fd)
            except OSError:
                # Linux reports EIO when the last process closed the terminal.
                return b""

    async def write(self, typed: bytes) -> None:
        """Write input; waits while the program reads nothing."""
        rest = memoryview(typed)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._fd)
            except OSError:
                return

    def resize(self, size: Size) -> None:
        """Resize the terminal."""
        with suppress(OSError):
            self._process.setwinsize(size.rows, size.columns)

    async def exit_code(self) -> int:
        """End the program if it still runs; return its exit code as a shell reports it."""
        await self.end()
        if self._process.signalstatus is not None:
            return 128 + int(self._process.signalstatus)
        return int(self._process.exitstatus or 0)

    async def end(self) -> None:
        """Hang up, as a closed terminal does; kill the program if it does not end in time."""
        with anyio.CancelScope(shield=True):
            if not await self._ended(0.2):
                self._signal(signal.SIGHUP)
                if not await self._ended(GRACE_SECONDS):
                    self._signal(signal.SIGKILL)
                    await self._ended(GRACE_SECONDS)
            self._process.close()

    async def _ended(self, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            while self._process.isalive():
                await anyio.sleep(_POLL_SECONDS)
        return not self._process.isalive()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                # Only os2 itself, which ends its own child processes properly.
                os.kill(self.pid, number)
