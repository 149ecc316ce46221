"""Locks between processes, which the system releases when their holder dies.

A lock is a file that exists while the lock is held, and says by whom. Its next holder checks
that the open file still has that name: the last one has removed it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.cancellation import pause
from os2cli.core.deadline import at_most
from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.core.json_text import parse_json
from os2cli.core.small_files import read_small
from os2cli.core.waiting import SAY_AFTER_SECONDS, allowed_seconds, say
from os2cli.host.private_files import private_folder

# For what has no --timeout: a build can take long.
WAIT_SECONDS = 1800.0
_AGAIN_SECONDS = 0.1
# A process that removes left-over files holds each for a moment.
_MOMENTS, _MOMENT_SECONDS = 3, 0.01
_ABANDONED_SECONDS = 3600
_SUFFIX = ".lock"
_MAX_BYTES = 10_000
_EXISTING = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def exclusive(
    folder: Path,
    name: str,
    *,
    on_busy: Callable[[], None] | None = None,
    seconds: float | None = None,
) -> Iterator[None]:
    """Hold the lock ``name``, e.g. ``machine dev-1``, inside the block.

    If another process holds it, ``on_busy`` is called once: it raises, or the call waits, at most
    ``seconds``, by default what the command's --timeout leaves, else ``WAIT_SECONDS``.

    Raises:
        TimedOut: another process holds it all the time; the message says which.
    """
    lock = _Lock(_file(folder, name), name)
    descriptor = lock.acquire_in(_MOMENTS, _MOMENT_SECONDS)
    if descriptor is None:
        if on_busy is not None:
            on_busy()
        descriptor = lock.wait(at_most(seconds or allowed_seconds(WAIT_SECONDS)) or 0.0)
    try:
        lock.label(descriptor)
        _sweep(folder)
        yield
    finally:
        lock.release(descriptor)


def is_held(folder: Path, name: str) -> bool:
    """Return whether a process holds the lock ``name``; also if that cannot be found out."""
    try:
        descriptor = _locked(_file(folder, name), _EXISTING)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _file(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{_SUFFIX}"


@dataclass(frozen=True, slots=True)
class _Lock:
    path: Path
    name: str

    def acquire(self) -> int | None:
        """Return the descriptor that holds the lock, or None if another process has it."""
        try:
            private_folder(self.path.parent)
            return _locked(self.path, _EXISTING | os.O_CREAT)
        except OSError as error:
            raise OperationFailed(
                f"cannot create the lock {self.path}: {error.strerror or error}",
                hint="free some disk space, or set XDG_STATE_HOME to a writable directory",
            ) from error

    def acquire_in(self, attempts: int, pause_seconds: float) -> int | None:
        """Do the same a few times."""
        for _ in range(attempts - 1):
            if (descriptor := self.acquire()) is not None:
                return descriptor
            pause(pause_seconds)
        return self.acquire()

    def wait(self, seconds: float) -> int:
        """Return the descriptor once the lock is free; say after a while who holds it."""
        began, is_said = time.monotonic(), False
        while (descriptor := self.acquire()) is None:
            waited = time.monotonic() - began
            if waited >= seconds:
                raise self._late(seconds)
            if waited >= SAY_AFTER_SECONDS and not is_said:
                is_said = True
                say(f"waiting, at most {seconds - waited:.0f} s, for {self.name}: {self._held}")
            pause(min(_AGAIN_SECONDS, seconds - waited))
        return descriptor

    def label(self, descriptor: int) -> None:
        """Write into the file who holds it."""
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)

    def release(self, descriptor: int) -> None:
        """Remove the file, then free the lock."""
        with suppress(OSError):
            self.path.unlink()
        os.close(descriptor)

    @property
    def _holder(self) -> int | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            pid = parse_json(read_small(self.path, _MAX_BYTES))["pid"]
            return pid if isinstance(pid, int) and pid > 0 else None
        return None

    @property
    def _held(self) -> str:
        return f"process {self._holder or '?'} holds its lock"

    def _late(self, seconds: float) -> TimedOut:
        pid = self._holder
        return TimedOut(
            f"timed out after {seconds:.0f} s waiting for {self.name}: {self._held}",
            hint=f"wait until that process ends, or end it: kill {pid}" if pid else "try again",
            code="lock_timeout",
        )


def _locked(path: Path, flags: int) -> int | None:
    """Open and lock a file; return None if another process has it. Raises ``OSError``."""
    while True:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = _is_at(path, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if is_ours:
            return descriptor
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether the open file still has that name."""
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def _sweep(folder: Path) -> None:
    """Remove the files that killed processes left, and those of an earlier os2."""
    oldest = time.time() - _ABANDONED_SECONDS
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.name.endswith(_SUFFIX) and entry.stat().st_mtime < oldest:
                    _remove_if_free(Path(entry.path))


def _remove_if_free(path: Path) -> None:
    descriptor = _locked(path, _EXISTING)
    if descriptor is not None:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
