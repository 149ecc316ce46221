"""How a long operation looks in a pipe, and what all ways to show one have in common."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from os2cli.core.progress import Progress
from os2cli.output.humanize import size

HEARTBEAT_SECONDS = 30.0
LINE_LENGTH = 100


def shorten(text: str) -> str:
    """A line of a log that stays readable in a pipe."""
    return text if len(text) <= LINE_LENGTH else f"{text[: LINE_LENGTH - 1]}…"


def counted(done: int | None, total: int | None) -> str:
    """How far something has come, e.g. `` 3/7``; empty when that is not known."""
    return f" {done}/{total}" if done is not None and total else ""


def plain_text(text: str) -> str:
    """A text without what would move a terminal's cursor or colour what follows."""
    # Rich takes longer to import than a command that writes to a pipe needs.
    from rich.control import strip_control_codes
    from rich.text import Text

    return strip_control_codes(Text.from_ansi(text).plain)


@contextmanager
def repeated(seconds: float, call: Callable[[float], None]) -> Iterator[None]:
    """Call with the time that has passed, in seconds, as often as ``seconds`` pass meanwhile."""
    started = time.monotonic()
    ended = threading.Event()

    def _beat() -> None:
        while not ended.wait(seconds):
            call(time.monotonic() - started)

    beats = threading.Thread(target=_beat, daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()


class RecordingProgress(Progress):
    """Keeps each phase's duration, in seconds."""

    def __init__(self, *, verbose: bool) -> None:
        self.verbose = verbose
        self.phases: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Time the phase and show that it runs."""
        started = time.monotonic()
        with self.showing(title):
            yield
        seconds = time.monotonic() - started
        self.phases.append((title, seconds))
        self.finished(title, seconds)

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """Show that ``title`` runs; subclasses decide how."""
        del title
        yield

    def finished(self, title: str, seconds: float) -> None:
        """Say that a phase came to its end without an error."""

    def transfer(self, text: str, done: int, total: int) -> None:
        """Show sizes, as people read them."""
        self.status(f"{text} {size(done)} of {size(total)}")

    def log(self, line: str) -> None:
        """Show the line with ``--verbose``; an error carries the end of the log itself."""
        if self.verbose:
            self.say(f"  | {line}")

    def notice(self, message: str) -> None:
        """Show a notice."""
        self.say(message)

    def warn(self, message: str) -> None:
        """Show a warning."""
        self.say(f"warning: {message}")

    def say(self, line: str) -> None:
        """Write one whole line."""
        raise NotImplementedError

    def summary(self) -> str:
        """Where the time went, e.g. ``build 34.1 s · create 0.4 s``; what took none is left out."""
        told = [f"{title} {seconds:.1f} s" for title, seconds in self.phases]
        worth_telling = [words for words in told if not words.endswith(" 0.0 s")]
        return " · ".join(worth_telling or told)


class SilentProgress(RecordingProgress):
    """Shows nothing and times the phases all the same."""

    def __init__(self) -> None:
        super().__init__(verbose=False)

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Nobody looks."""

    def say(self, line: str) -> None:
        """Nobody listens."""


class PlainProgress(RecordingProgress):
    """A line when a phase begins and ends, and a heartbeat while it lasts: for pipes and CI."""

    def __init__(
        self,
        stream: TextIO,
        *,
        verbose: bool,
        quiet: bool,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        super().__init__(verbose=verbose)
        self.stream = stream
        self.quiet = quiet
        self.heartbeat_seconds = heartbeat_seconds
        self.current = ""
        self._write_lock = threading.Lock()

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """Write the beginning, and every 30 s that it still goes on."""
        if self.quiet:
            yield
            return
        self.current = ""
        self.say(f"{title} ...")

        def beat(elapsed: float) -> None:
            at = f", {shorten(self.current)}" if self.current else ""
            self.say(f"{title}: still at it after {elapsed:.0f} s{at}")

        with repeated(self.heartbeat_seconds, beat):
            yield

    def finished(self, title: str, seconds: float) -> None:
        """Write that the phase is done."""
        if not self.quiet:
            self.say(f"{title}: done in {seconds:.1f} s")

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Remember what the heartbeat shall say; build steps are worth a line of their own."""
        if text.startswith("[") and text != self.current and not self.quiet:
            self.say(f"  {shorten(text)}")
        self.current = f"{text}{counted(done, total)}"

    def notice(self, message: str) -> None:
        """Show a notice unless ``--quiet``."""
        if not self.quiet:
            self.say(message)

    def say(self, line: str) -> None:
        """Write one whole line; threads do not mix theirs."""
        with self._write_lock:
            self.stream.write(f"{line}\n")
            self.stream.flush()
