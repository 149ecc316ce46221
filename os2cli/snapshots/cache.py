"""The on-disk cache of resolutions, shared by any number of processes.

A damaged cache is a miss, never an error and never another answer: a row holds the question that
it answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.stage import SEPARATOR, Stage, StageKind
from os2cli.snapshots.cache_file import Busy, CacheFile, Row, unpack


def is_kept(stage: Stage) -> bool:
    """Return whether the stage is cached: in development the newest snapshot was just built."""
    return stage.kind is not StageKind.DEVELOPMENT


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """The snapshot that a resolution picked."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One cached answer for a name prefix, and its remaining time to live in seconds."""

    account: str
    prefix: str
    snapshot: CachedSnapshot
    seconds_left: float

    @property
    def stage(self) -> str:
        """The stage that the names belong to."""
        return self.prefix.removesuffix(SEPARATOR)


@dataclass(frozen=True, slots=True)
class SnapshotCache:
    """The cache in ``folder``; entries live for ``keep_seconds``, 0 disables it.

    ``account`` in its methods is ``DaytonaAccess.fingerprint``, which contains no secret.
    """

    folder: Path
    keep_seconds: float
    now: Callable[[], float] = time.time

    def get(self, account: str, prefix: str) -> CachedSnapshot | None:
        """Return the cached snapshot, or None."""
        if self.keep_seconds <= 0:
            return None
        try:
            row = self._file.find([account, prefix])
            entry = self._entry(row) if row else None
        except Exception:  # noqa: BLE001  what reads a damaged file can raise anything
            return None
        if entry is None or entry.seconds_left <= 0:
            return None
        return entry.snapshot if (entry.account, entry.prefix) == (account, prefix) else None

    def put(self, account: str, prefix: str, snapshot: CachedSnapshot) -> None:
        """Store a snapshot; recreate a broken cache."""
        if self.keep_seconds <= 0:
            return
        key = [account, prefix]
        value = {
            "account": account,
            "prefix": prefix,
            "name": snapshot.name,
            "id": snapshot.id,
            "stored": self.now(),
        }
        with suppress(Exception):
            try:
                self._file.write(key, value, self.keep_seconds)
            except Busy:
                return
            except Exception:  # noqa: BLE001  what opens a damaged file can raise anything
                self._file.remove()
                self._file.write(key, value, self.keep_seconds)

    def drop(self, account: str, prefix: str) -> None:
        """Remove an entry."""
        try:
            self._file.delete([account, prefix])
        except Exception:  # noqa: BLE001  what opens a damaged file can raise anything
            # A wrong entry must not stay, even at the cost of all others.
            with suppress(OSError):
                self._file.remove()

    def entries(self) -> list[CacheEntry]:
        """Return the live entries, sorted by prefix."""
        rows: list[Row] = []
        entries: list[CacheEntry] = []
        with suppress(Exception):
            rows = self._file.all()
        for row in rows:
            with suppress(Exception):
                entries.append(self._entry(row))
        usable = (entry for entry in entries if entry.seconds_left > 0)
        return sorted(usable, key=lambda entry: (entry.prefix, entry.account))

    def clear(self) -> int:
        """Remove the cache and return how many entries it had.

        Raises:
            OSError: the directory cannot be removed.
        """
        count = len(self.entries())
        if self.folder.exists():
            self._file.remove()
        return count

    @property
    def _file(self) -> CacheFile:
        return CacheFile(self.folder)

    def _entry(self, row: Row) -> CacheEntry:
        value, expires = row
        data, now = unpack(value), self.now()
        account, prefix, name, id_ = (data[key] for key in ("account", "prefix", "name", "id"))
        if not all(isinstance(text, str) for text in (account, prefix, name, id_)):
            raise TypeError("not an entry of os2")
        stored = float(data["stored"])
        # The time to live may have changed since: the shorter one counts.
        until = min(stored + self.keep_seconds, expires or 0.0)
        # An entry from the future means that the clock went back: its age is unknown.
        left = until - now if stored <= now else 0.0
        return CacheEntry(account, prefix, CachedSnapshot(name, id_), left)
