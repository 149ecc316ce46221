"""How a long operation looks: one live region on a terminal, plain lines everywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from os2cli.output.words import size
from os2cli.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

HEARTBEAT_SECONDS = 30.0
LINE_LENGTH = 100


def shorten(text: str) -> str:
    """A line of a log that stays readable in a pipe."""
    return text if len(text) <= LINE_LENGTH else f"{text[: LINE_LENGTH - 1]}…"


def counted(done: int | None, total: int | None) -> str:
    """How far something has come, e.g. `` 3/7``; empty when that is not known."""
    return f" {done}/{total}" if done is not None and total else ""


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
        ended = threading.Event()
        beats = threading.Thread(target=self._beat, args=(title, ended), daemon=True)
        beats.start()
        try:
            yield
        finally:
            ended.set()
            beats.join()

    def _beat(self, title: str, ended: threading.Event) -> None:
        started = time.monotonic()
        while not ended.wait(self.heartbeat_seconds):
            at = f", {shorten(self.current)}" if self.current else ""
            self.say(f"{title}: still at it after {time.monotonic() - started:.0f} s{at}")

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


class TerminalProgress(RecordingProgress):
    """One live line with a spinner, the elapsed time and what the phase is at."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self.console = console
        self._status: Status | None = None
        self._title = ""
        self._text = ""
        self._started = 0.0

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """Keep the live line up to date while the phase lasts."""
        from rich.status import Status

        self._title, self._text, self._started = title, "", time.monotonic()
        ended = threading.Event()
        with Status("", console=self.console, spinner="dots") as status:
            self._status = status
            self._refresh()
            ticks = threading.Thread(target=self._tick, args=(ended,), daemon=True)
            ticks.start()
            try:
                yield
            finally:
                ended.set()
                ticks.join()
                self._status = None

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(0.25):
            self._refresh()

    def _refresh(self) -> None:
        from rich.text import Text

        status = self._status
        if status is None:
            return
        line = Text.assemble((self._title, "bold"), (f"  {self._elapsed():.0f} s", "dim"))
        if self._text:
            line.append(f"  {self._text}", style="dim")
        # A line that wraps would leave its upper half behind at every refresh.
        line.truncate(max(self.console.width - 4, 10), overflow="ellipsis")
        status.update(line)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def finished(self, title: str, seconds: float) -> None:
        """Leave one line behind for the phase."""
        from rich.text import Text

        self.console.print(Text.assemble(("✓ ", "green"), title, (f"  {seconds:.1f} s", "dim")))

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Show where the phase is."""
        self._text = f"{text}{counted(done, total)}"

    def say(self, line: str) -> None:
        """Write one whole line above the live one."""
        self.console.print(line, markup=False)
