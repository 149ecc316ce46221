"""Progress on a terminal: finished phases, and below them one live line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from os2cli.core.plain_text import plain_line
from os2cli.output.phase_titles import phase_title
from os2cli.output.progress import RecordingProgress, counted, repeated

_TICK_SECONDS = 0.25


class TerminalProgress(RecordingProgress):
    """One live line with a spinner, the elapsed time and the phase's status."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self.console = console
        self._status: Status | None = None
        self._title = ""
        self._text = ""
        self._started = 0.0

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """Update the live line while the phase runs."""
        self._title, self._text, self._started = phase_title(title), "", time.monotonic()
        with Status("", console=self.console, spinner="dots") as status:
            self._status = status
            self._refresh()
            try:
                with repeated(_TICK_SECONDS, lambda _: self._refresh()):
                    yield
            finally:
                self._status = None

    def _refresh(self) -> None:
        status = self._status
        if status is None:
            return
        line = Text.assemble((self._title, "bold"), (f"  {self._elapsed():.0f} s", "dim"))
        if self._text:
            line.append(f"  {self._text}", style="dim")
        # A wrapped line would leave its upper half behind at each refresh.
        line.truncate(max(self.console.width - 4, 10), overflow="ellipsis")
        status.update(line)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def finished(self, title: str, seconds: float) -> None:
        """Write one line for the finished phase."""
        self.console.print(
            Text.assemble(("✓ ", "green"), phase_title(title), (f"  {seconds:.1f} s", "dim"))
        )

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Show where the phase is."""
        self._text = f"{plain_line(text)}{counted(done, total)}"

    def say(self, line: str) -> None:
        """Write one whole line above the live one."""
        self.console.print(plain_line(line), markup=False)
