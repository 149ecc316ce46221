"""What a copy is without, by name: entries that are unsafe or cannot be read, or that changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from os2cli.core.plain_text import plain_line
from os2cli.core.progress import Progress

# A machine may have any number of them.
MAX_NAMED, MAX_WARNINGS = 10_000, 10


@dataclass(frozen=True, slots=True)
class Omission:
    """One entry that a copy is without; ``failed`` if it should be there, but cannot be read."""

    path: str
    reason: str
    failed: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass(slots=True)
class Omissions:
    """Every entry that a copy is without, and every file that changed while it was read.

    ``items`` and ``changed`` have at most ``MAX_NAMED``; ``is_whole`` tells whether that is all.
    """

    items: list[Omission] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    number: int = 0
    is_whole: bool = True

    @property
    def failed(self) -> bool:
        """Whether something is missing that a copy should have."""
        return any(item.failed for item in self.items)

    def add(self, path: str, reason: str, *, failed: bool = False) -> None:
        """Leave out one entry."""
        self.number += 1
        if len(self.items) < MAX_NAMED:
            self.items.append(Omission(plain_line(path), plain_line(reason), failed))
        else:
            self.is_whole = False

    def add_changed(self, path: str) -> None:
        """Note a file that another process changed meanwhile."""
        if len(self.changed) < MAX_NAMED:
            self.changed.append(plain_line(path))
        else:
            self.is_whole = False

    def extend(self, other: Omissions) -> None:
        """Add those that the other side of a copy named."""
        for item in other.items:
            self.add(item.path, item.reason, failed=item.failed)
        for path in other.changed:
            self.add_changed(path)
        self.number += other.number - len(other.items)
        self.is_whole = self.is_whole and other.is_whole

    def report(self, progress: Progress) -> None:
        """Warn of each, up to a number."""
        _warn(progress, (f"left out {item}" for item in self.items), self.number)
        changed = (f"{path} changed while it was read" for path in self.changed)
        _warn(progress, changed, len(self.changed))


def _warn(progress: Progress, lines: Iterable[str], number: int) -> None:
    for line, _ in zip(lines, range(MAX_WARNINGS), strict=False):
        progress.warn(line)
    if number > MAX_WARNINGS:
        progress.warn(f"and {number - MAX_WARNINGS:,} more; with --json, all are named")
