"""The terminal of this process, attached to a shell in a machine."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from os2cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal: its file descriptors, and its ``TERM``, e.g. ``xterm-256color``."""

    input: int
    output: int
    kind: str

    @classmethod
    def of_process(cls, kind: str, instead: str) -> Terminal:
        """Return the terminal of this process.

        Raises:
            UsageError: there is none; ``instead`` is the hint, a command that needs none.
        """
        if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(
                "a shell requires a terminal: stdin or stdout is not one",
                hint=instead,
                code="terminal_missing",
            )
        return cls(sys.stdin.fileno(), sys.stdout.fileno(), kind)

    def size(self) -> os.terminal_size:
        """Return the current columns and lines."""
        return os.get_terminal_size(self.output)

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Pass every key through, also Ctrl-C, inside the block; restore the terminal after it."""
        with self.restored():
            # Keys typed before the shell was ready are also for it: do not flush them.
            tty.setraw(self.input, termios.TCSADRAIN)
            yield

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore the terminal after the block."""
        before = termios.tcgetattr(self.input)
        try:
            yield
        finally:
            # A closed terminal cannot be restored.
            with suppress(termios.error):
                termios.tcsetattr(self.input, termios.TCSADRAIN, before)

    @contextmanager
    def watched(self, on_resize: Callable[[os.terminal_size], None]) -> Iterator[None]:
        """Call ``on_resize`` now and whenever the window's size changes."""

        def resized(signum: int = 0, frame: object = None) -> None:
            del signum, frame
            with suppress(OSError):
                on_resize(self.size())

        before = signal.signal(signal.SIGWINCH, resized)
        try:
            resized()
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)
