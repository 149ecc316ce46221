"""A progress display that records what an operation reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from os2cli.core.progress import Progress


class RecordedProgress(Progress):
    """Records everything; ``on_notice`` is called after each notice."""

    def __init__(self, on_notice: Callable[[], None] = lambda: None) -> None:
        self.titles: list[str] = []
        self.states: list[str] = []
        self.transfers: list[tuple[int, int]] = []
        self.lines: list[str] = []
        self.notices: list[str] = []
        self.warnings: list[str] = []
        self.on_notice = on_notice

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        self.titles.append(title)
        yield

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        del done, total
        self.states.append(text)

    def transfer(self, text: str, done: int, total: int) -> None:
        del text
        self.transfers.append((done, total))

    def log(self, line: str) -> None:
        self.lines.append(line)

    def notice(self, message: str) -> None:
        self.notices.append(message)
        self.on_notice()

    def warn(self, message: str) -> None:
        self.warnings.append(message)
