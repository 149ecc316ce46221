"""Progress in a pipe, and what all forms of progress share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from os2cli.core.plain_text import plain_line
from os2cli.core.progress import Progress
from os2cli.output.humanize import size
from os2cli.output.phase_titles import phase_title

HEARTBEAT_SECONDS = 30.0
LINE_LENGTH = 100


def shorten(text: str) -> str:
    """Return a line cut to ``LINE_LENGTH`` characters."""
    return text if len(text) <= LINE_LENGTH else f"{text[: LINE_LENGTH - 1]}…"


def counted(done: int | None, total: int | None) -> str:
    """Return how far something is, e.g. `` 3/7``, or nothing if that is unknown."""
    return f" {done}/{total}" if done is not None and total else ""


@contextmanager
def repeated(seconds: float, call: Callable[[float], None]) -> Iterator[None]:
    """Call every ``seconds`` meanwhile, with the seconds that have passed."""
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
    """Progress that records the duration of each phase, in seconds."""

    def __init__(self, *, verbose: bool) -> None:
        self.verbose = verbose
        self.phases: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Show the phase while it runs, and time it."""
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
        """Report that a phase finished without an error."""

    def transfer(self, text: str, done: int, total: int) -> None:
        """Show a transfer with readable sizes."""
        self.status(f"{text} {size(done)} of {size(total)}")

    def log(self, line: str) -> None:
        """Show the line with ``--verbose``; an error holds the end of the log anyway."""
        if self.verbose:
            self.say(f"  | {plain_line(line)}")

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
        """Return where the time went, e.g. ``build 34.1 s · create 0.4 s``."""
        phases = [f"{title} {seconds:.1f} s" for title, seconds in self.phases]
        noticeable = [phase for phase in phases if not phase.endswith(" 0.0 s")]
        return " · ".join(noticeable or phases)


class SilentProgress(RecordingProgress):
    """Progress that shows nothing and records the durations."""

    def __init__(self) -> None:
        super().__init__(verbose=False)

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Write nothing."""


class PlainProgress(RecordingProgress):
    """Progress for pipes and CI: a line when a phase starts and ends, and heartbeats."""

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
        """Write that the phase starts, and every 30 s that it still runs."""
        if self.quiet:
            yield
            return
        self.current = ""
        title = phase_title(title)
        self.say(f"{title} ...")

        def beat(elapsed: float) -> None:
            at = f", {shorten(self.current)}" if self.current else ""
            self.say(f"{title}: still running after {elapsed:.0f} s{at}")

        with repeated(self.heartbeat_seconds, beat):
            yield

    def finished(self, title: str, seconds: float) -> None:
        """Write that the phase is done."""
        if not self.quiet:
            self.say(f"{phase_title(title)}: done in {seconds:.1f} s")

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Remember the status for the heartbeat; write a build step as a line."""
        if text.startswith("[") and text != self.current and not self.quiet:
            self.say(f"  {shorten(text)}")
        self.current = f"{text}{counted(done, total)}"

    def notice(self, message: str) -> None:
        """Show a notice unless ``--quiet``."""
        if not self.quiet:
            self.say(message)

    def say(self, line: str) -> None:
        """Write one whole line; lines of threads do not mix."""
        with self._write_lock:
            self.stream.write(f"{plain_line(line)}\n")
            self.stream.flush()
