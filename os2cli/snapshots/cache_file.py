"""The file of the cache: diskcache writes it, SQLite reads it.

Importing diskcache takes longer than all the rest of a cached answer, and it may unpickle what it
reads (CVE-2025-69872), while this module reads only JSON. A test keeps the two compatible.

The file may be damaged in any way. A value carries zlib's checksum, and no older state of the file
is kept beside it: a write-ahead log that lost a frame would show what the frame replaced.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from os2cli.host.flock import try_lock
from os2cli.host.private_files import PRIVATE_FOLDER, private_folder

DATABASE = "cache.db"
_PRIVATE_FILE = 0o600
BUSY_SECONDS = 2.0
# Many processes may write one after the other, each for some milliseconds.
_TURN_SECONDS, _POLL_SECONDS = 5.0, 0.005
_RAW = 1  # diskcache's mode for bytes as they are
# All of diskcache's settings: those in a damaged file must not be used.
_SETTINGS: dict[str, Any] = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "least-recently-stored",
    "size_limit": 2**30,
    "cull_limit": 10,
    "sqlite_auto_vacuum": 1,
    "sqlite_cache_size": 8192,
    "sqlite_journal_mode": "delete",
    "sqlite_secure_delete": 1,
    # A file that is truncated while it is mapped ends the process.
    "sqlite_mmap_size": 0,
    # Nothing is lost with a cache.
    "sqlite_synchronous": 0,
    "disk_min_file_size": 2**15,
}
# A value and the end of its time to live, which may be anything.
Row = tuple[Any, Any]


class Busy(Exception):
    """Another process holds the write lock for too long."""


class Damaged(Exception):
    """What was written is not what can be read."""


@dataclass(frozen=True, slots=True)
class CacheFile:
    """The database in ``folder``. A damaged one can make every method raise anything."""

    folder: Path

    def find(self, key: list[str]) -> Row | None:
        """Return the row of a key."""
        with self._reading() as database:
            row: Row | None = database.execute(
                "SELECT value, expire_time FROM Cache WHERE key = ? AND raw = 1 AND mode = ?",
                (pack(key), _RAW),
            ).fetchone()
        return row

    def all(self) -> list[Row]:
        """Return every row."""
        with self._reading() as database:
            return database.execute(
                "SELECT value, expire_time FROM Cache WHERE raw = 1 AND mode = ?", (_RAW,)
            ).fetchall()

    def write(self, key: list[str], value: dict[str, Any], seconds: float) -> None:
        """Store a value for ``seconds``; raise ``Damaged`` if it cannot be read afterwards."""
        with self._opened() as cache:
            cache.set(key, value, expire=seconds)
            # diskcache does not notice some damage that hides what it wrote.
            if (self.find(key) or (None,))[0] != pack(value):
                raise Damaged

    def delete(self, key: list[str]) -> None:
        """Remove a row; raise ``Damaged`` if it can be read afterwards."""
        if not (self.folder / DATABASE).exists():
            return
        with self._opened() as cache:
            cache.delete(key)
            if self.find(key) is not None:
                raise Damaged

    def remove(self) -> None:
        """Remove the directory. Raises ``OSError``."""
        # Not needed for a cached answer; it imports every compression module.
        import shutil

        shutil.rmtree(self.folder)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._reject_foreign_files()
        address = f"{(self.folder / DATABASE).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as database:
            yield database

    def _reject_foreign_files(self) -> None:
        """Raise ``OSError`` for a file that another user wrote, or whose opening would block."""
        us = os.geteuid()
        if self.folder.stat().st_uid != us:
            raise OSError(f"not a directory of os2: {self.folder}")
        with os.scandir(self.folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # the journal of a process that has just written
                    continue
                if status.st_uid != us or not stat.S_ISREG(status.st_mode):
                    raise OSError(f"not a file of os2: {entry.path}")

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        # Slow to import, and not needed to read.
        from diskcache import Cache, JSONDisk, Timeout

        # diskcache expands variables in the path, and would write to another directory.
        if os.path.expandvars(self.folder) != str(self.folder):
            raise ValueError("diskcache cannot use this directory")
        private_folder(self.folder).chmod(PRIVATE_FOLDER)
        self._reject_foreign_files()
        with _alone(self.folder):
            self._wait_for_turn()
            try:
                with Cache(
                    str(self.folder), disk=JSONDisk, timeout=BUSY_SECONDS, **_SETTINGS
                ) as cache:
                    yield cache
            except Timeout as error:
                raise Busy from error

    def _wait_for_turn(self) -> None:
        """Wait briefly for the write lock: diskcache itself would wait for a minute."""
        path = self.folder / DATABASE
        # SQLite gives its journals the mode of the file.
        path.touch(mode=_PRIVATE_FILE)
        path.chmod(_PRIVATE_FILE)
        with closing(
            sqlite3.connect(str(path), timeout=BUSY_SECONDS, isolation_level=None)
        ) as database:
            try:
                # An earlier os2 wrote with a log, and diskcache would wait to change that as well.
                database.execute("PRAGMA journal_mode = DELETE")
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    raise Busy from error
                raise
            database.execute("ROLLBACK")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time write: diskcache needs many transactions to open a cache."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + _TURN_SECONDS
        # Without locks on a network disk, SQLite's own keeps the file whole.
        while not try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise Busy
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def pack(data: Any) -> bytes:
    """Encode a key or a value as diskcache's JSONDisk does."""
    return zlib.compress(json.dumps(data).encode(), 1)


def unpack(data: bytes) -> Any:
    """Decode a value; raises anything for one that is damaged."""
    return json.loads(zlib.decompress(data))
