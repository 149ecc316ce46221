"""The directory that a copy arrives in, before it replaces anything: beside its target.

A process that is killed leaves it behind. Each holds a lock on its own for as long as it runs, so
that the next copy to that place finds what is left over, and removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from os2cli.machines.unpacking import FOLDER_FLAGS

PREFIX = ".os2-cp-"
_NAME_BYTES = 8


@contextmanager
def staging(around: Path) -> Iterator[int]:
    """Make a directory in ``around``, remove it in the end, and yield its descriptor."""
    _remove_leftovers(around)
    folder, descriptor = _locked_folder(around)
    try:
        yield descriptor
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _locked_folder(around: Path) -> tuple[Path, int]:
    while True:
        folder = around / f"{PREFIX}{secrets.token_hex(_NAME_BYTES)}"
        folder.mkdir(mode=0o700)
        # Another copy may take it for a leftover before it is locked.
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, FOLDER_FLAGS)
            if _lock(descriptor) and folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Return whether the lock is taken now; True where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_leftovers(around: Path) -> None:
    for folder in around.glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder, FOLDER_FLAGS)
            try:
                if os.fstat(descriptor).st_uid == os.getuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def put(source: int, name: str, goal: Path) -> None:
    """Move ``name`` in the directory ``source`` to ``goal``; add it to a directory that exists.

    An existing link is replaced and never followed: an earlier copy may have brought it.
    """
    target = os.open(goal.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _put(source, name, target, goal.name or ".", goal)
    finally:
        os.close(target)


def _put(source: int, name: str, target: int, new_name: str, shown: Path) -> None:
    try:
        if not _is_folder(source, name) or not _exists(target, new_name):
            os.replace(name, new_name, src_dir_fd=source, dst_dir_fd=target)
            return
        with opened(name, source) as new, opened(new_name, target) as old:
            for entry in os.listdir(new):  # noqa: PTH208
                _put(new, entry, old, entry, shown / entry)
    except OSError as error:
        # The names of descriptors' entries have no directory; the innermost is the right one.
        if error.filename is None or not Path(error.filename).is_absolute():
            kind = errno.ENOTDIR if error.errno == errno.ELOOP else error.errno
            raise OSError(kind, os.strerror(kind or 0), str(shown.absolute())) from error
        raise


@contextmanager
def opened(name: str, parent: int) -> Iterator[int]:
    """Open a directory in another for the block."""
    descriptor = os.open(name, FOLDER_FLAGS, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_folder(parent: int, name: str) -> bool:
    try:
        os.close(os.open(name, FOLDER_FLAGS, dir_fd=parent))
    except OSError:
        return False
    return True


def _exists(parent: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
