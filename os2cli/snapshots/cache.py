"""The on-disk cache of resolutions, shared by any number of processes.

diskcache writes the file. Entries are read from its database directly: importing diskcache takes
longer than all the rest of a cached answer, and it may unpickle what it reads (CVE-2025-69872),
while this module reads only JSON. A test keeps the two compatible.

A broken cache is a miss, never an error.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from os2cli.core.stage import SEPARATOR, Stage, StageKind

DATABASE = "cache.db"
PRIVATE = 0o700
BUSY_SECONDS = 1.0
_RAW = 1  # diskcache's mode for bytes as they are
# What a corrupt file can raise: the last two from JSON that is too deep or too large.
_FAILURES = (
    sqlite3.Error,
    zlib.error,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RecursionError,
    ArithmeticError,
)


class _Busy(Exception):
    """Another process holds the write lock for too long."""


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
            with self._reading() as database:
                found = database.execute(
                    "SELECT value, expire_time FROM Cache WHERE key = ? AND raw = 1 AND mode = ?",
                    (_pack([account, prefix]), _RAW),
                ).fetchone()
            entry = self._entry(*found) if found else None
        except _FAILURES:
            return None
        if entry is None or entry.seconds_left <= 0:
            return None
        return entry.snapshot if (entry.account, entry.prefix) == (account, prefix) else None

    def put(self, account: str, prefix: str, snapshot: CachedSnapshot) -> None:
        """Store a snapshot; recreate a broken cache."""
        if self.keep_seconds <= 0:
            return
        value = {
            "account": account,
            "prefix": prefix,
            "name": snapshot.name,
            "id": snapshot.id,
            "stored": self.now(),
        }
        try:
            self._write([account, prefix], value)
        except _Busy:
            return
        except _FAILURES:
            with suppress(_Busy, *_FAILURES):
                self._remove()
                self._write([account, prefix], value)

    def drop(self, account: str, prefix: str) -> None:
        """Remove an entry."""
        try:
            if not (self.folder / DATABASE).exists():
                return
            with self._opened() as cache:
                cache.delete([account, prefix])
        except (_Busy, *_FAILURES):
            # A wrong entry must not stay, even at the cost of all others.
            with suppress(OSError):
                self._remove()

    def entries(self) -> list[CacheEntry]:
        """Return the live entries, sorted by prefix."""
        try:
            with self._reading() as database:
                rows = database.execute(
                    "SELECT value, expire_time FROM Cache WHERE raw = 1 AND mode = ?", (_RAW,)
                ).fetchall()
        except _FAILURES:
            return []
        entries = []
        for row in rows:
            with suppress(*_FAILURES):
                entries.append(self._entry(*row))
        usable = (entry for entry in entries if entry.seconds_left > 0)
        return sorted(usable, key=lambda entry: (entry.prefix, entry.account))

    def clear(self) -> int:
        """Remove the cache and return how many entries it had.

        Raises:
            OSError: the directory cannot be removed.
        """
        count = len(self.entries())
        if self.folder.exists():
            self._remove()
        return count

    def _remove(self) -> None:
        # Not needed for a cached answer; it imports every compression module.
        import shutil

        shutil.rmtree(self.folder)

    def _entry(self, value: bytes, expires: float | None) -> CacheEntry:
        data, now = _unpack(value), self.now()
        account, prefix, name, id_ = (data[key] for key in ("account", "prefix", "name", "id"))
        if not all(isinstance(text, str) for text in (account, prefix, name, id_)):
            raise TypeError("not an entry of os2")
        stored = float(data["stored"])
        # The time to live may have changed since: the shorter one counts.
        until = min(stored + self.keep_seconds, expires or 0.0)
        # An entry from the future means that the clock went back: its age is unknown.
        left = until - now if stored <= now else 0.0
        return CacheEntry(account, prefix, CachedSnapshot(name, id_), left)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        address = f"{(self.folder / DATABASE).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as database:
            yield database

    def _write(self, key: list[str], value: dict[str, Any]) -> None:
        with self._opened() as cache:
            cache.set(key, value, expire=self.keep_seconds)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        # Slow to import, and not needed to read.
        from diskcache import Cache, JSONDisk, Timeout

        # diskcache expands variables in the path, and would write to another directory.
        if os.path.expandvars(self.folder) != str(self.folder):
            raise ValueError("diskcache cannot use this directory")
        self.folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        self.folder.chmod(PRIVATE)
        self._wait_for_turn()
        try:
            with Cache(str(self.folder), disk=JSONDisk, timeout=BUSY_SECONDS) as cache:
                yield cache
        except Timeout as error:
            raise _Busy from error

    def _wait_for_turn(self) -> None:
        """Wait briefly for the write lock: diskcache itself would wait for a minute."""
        address = str(self.folder / DATABASE)
        with closing(
            sqlite3.connect(address, timeout=BUSY_SECONDS, isolation_level=None)
        ) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    raise _Busy from error
                raise
            database.execute("ROLLBACK")


def _pack(data: Any) -> bytes:
    """Encode a key or a value as diskcache's JSONDisk does."""
    return zlib.compress(json.dumps(data).encode(), 1)


def _unpack(data: bytes) -> Any:
    return json.loads(zlib.decompress(data))
