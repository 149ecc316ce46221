"""A program on a terminal of its own: what it writes is read, what is typed is written to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import anyio
from ptyprocess import PtyProcess

READ_BYTES = 32 * 1024
# How long os2 has to end what runs in the machine before it is ended itself.
GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02
# What the page's terminal understands, whatever the one is where the server was started.
_KIND = ("TERM=xterm-256color", "COLORTERM=truecolor")


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in characters."""

    columns: int
    rows: int

    @classmethod
    def of(cls, columns: object, rows: object) -> Size:
        """What was asked for, within reason."""
        return cls(_within(columns, 80, 1000), _within(rows, 24, 500))


def _within(value: object, otherwise: int, most: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 9:
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return min(value, most) if usable and isinstance(value, int) else otherwise


class Shell:
    """One program and its terminal; ``end`` has to be awaited, whatever happened."""

    def __init__(self, command: Sequence[str], size: Size) -> None:
        self._process = PtyProcess.spawn(
            ["/usr/bin/env", *_KIND, *command], dimensions=(size.rows, size.columns)
        )
        self._process.delayafterclose = self._process.delayafterterminate = 0
        self._fd: int = self._process.fd
        os.set_blocking(self._fd, False)

    @property
    def pid(self) -> int:
        """Of the program."""
        return int(self._process.pid)

    async def read(self) -> bytes:
        """What it wrote next, nothing at its end."""
        while True:
            try:
                return os.read(self._fd, READ_BYTES)
            except BlockingIOError:
                await anyio.wait_readable(self._fd)
            except OSError:
                # Linux's way to say that nobody has the terminal open any more.
                return b""

    async def write(self, typed: bytes) -> None:
        """Type; waits while the program reads nothing."""
        rest = memoryview(typed)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._fd)
            except OSError:
                return

    def resize(self, size: Size) -> None:
        """Tell the program that its terminal has another size."""
        with suppress(OSError):
            self._process.setwinsize(size.rows, size.columns)

    async def exit_code(self) -> int:
        """How it ended, as a shell says it; one that only closed its terminal is ended."""
        await self.end()
        if self._process.signalstatus is not None:
            return 128 + int(self._process.signalstatus)
        return int(self._process.exitstatus or 0)

    async def end(self) -> None:
        """End it as a terminal that is closed does, and by force when that takes too long."""
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
                # Only os2 itself: it knows best how to end what it started.
                os.kill(self.pid, number)
