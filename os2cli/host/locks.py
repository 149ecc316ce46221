"""Locks between processes, which the system releases when their holder dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from os2cli.core.cancellation import pause
from os2cli.core.errors import OperationFailed

_AGAIN_SECONDS = 0.1


@contextmanager
def exclusive(folder: Path, name: str, *, on_busy: Callable[[], None]) -> Iterator[None]:
    """Hold the lock ``name`` inside the block; the name may contain any characters.

    If another process holds it, ``on_busy`` is called once: it raises, or the call waits.
    """
    # Slow to import, and most commands take no lock.
    from filelock import FileLock, Timeout

    path = _path(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        with suppress(Timeout):
            lock.acquire(blocking=False)
    except OSError as error:
        raise OperationFailed(
            f"cannot create the lock {path}: {error.strerror or error}",
            hint="free some disk space, or set XDG_STATE_HOME to a writable directory",
        ) from error
    if not lock.is_locked:
        on_busy()
        while not lock.is_locked:
            # Not the lock's own wait, which only a signal ends.
            pause(_AGAIN_SECONDS)
            with suppress(Timeout):
                lock.acquire(blocking=False)
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path, name: str) -> bool:
    """Return whether a process holds the lock ``name``; also if that cannot be found out."""
    try:
        handle = os.open(_path(folder, name), os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _path(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
