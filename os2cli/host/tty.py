"""The terminal that os2 was started on, lent to a shell somewhere else."""

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
    """Its two ends as file descriptors, and its kind, e.g. ``xterm-256color``."""

    input: int
    output: int
    kind: str

    @classmethod
    def of_process(cls, kind: str, instead: str) -> Terminal:
        """The terminal of this process.

        Raises:
            UsageError: there is none; ``instead`` is the command that needs none.
        """
        if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(
                "a shell needs a terminal, and stdin or stdout is none",
                hint=instead,
                code="terminal_missing",
            )
        return cls(sys.stdin.fileno(), sys.stdout.fileno(), kind)

    def size(self) -> os.terminal_size:
        """Columns and lines, as they are now."""
        return os.get_terminal_size(self.output)

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Pass every key on as it is, Ctrl-C too; afterwards the terminal is as it was."""
        with self.kept():
            # What was typed before the shell was there is for it, too: it is not thrown away.
            tty.setraw(self.input, termios.TCSADRAIN)
            yield

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Afterwards the terminal is as it was, whatever was done to it."""
        before = termios.tcgetattr(self.input)
        try:
            yield
        finally:
            # A terminal that is gone has nothing to be restored.
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
