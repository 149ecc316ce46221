"""The directory that a copy arrives in, before it replaces anything: beside its target.

The next copy to that place removes what killed ones left.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from os2cli.host.locked_folders import locked_folder
from os2cli.machines.unpacking import FOLDER_FLAGS

PREFIX = ".os2-cp-"


@contextmanager
def staging(around: Path) -> Iterator[int]:
    """Make a directory in ``around``, remove it in the end, and yield its descriptor."""
    with locked_folder(around, PREFIX) as (_, descriptor):
        yield descriptor


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
