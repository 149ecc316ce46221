"""Directories for a moment, which a later run removes if their process was killed.

A process holds a lock on its own for as long as it runs; the system releases it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from os2cli.host.flock import try_lock

# What the temporary directories of os2 are for.
PURPOSES = ("base", "git", "ssh")
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME_BYTES = 8


@contextmanager
def locked_folder(around: Path, prefix: str) -> Iterator[tuple[Path, int]]:
    """Make a directory in ``around``, remove it in the end, and yield its path and descriptor."""
    remove_left(around, prefix)
    folder, descriptor = _create(around, prefix)
    try:
        yield folder, descriptor
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Make a directory for one of ``PURPOSES``, where the system has temporary ones."""
    remove_left_temporary()
    with locked_folder(Path(tempfile.gettempdir()), _prefix(purpose)) as (folder, _):
        yield folder


def remove_left_temporary() -> None:
    """Remove the temporary directories of os2 whose processes are gone."""
    for purpose in PURPOSES:
        remove_left(Path(tempfile.gettempdir()), _prefix(purpose))


def remove_left(around: Path, prefix: str) -> None:
    """Remove the directories in ``around`` whose processes are gone."""
    for folder in around.glob(f"{prefix}*"):
        with suppress(OSError):
            descriptor = os.open(folder, _FLAGS)
            try:
                if os.fstat(descriptor).st_uid == os.getuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _prefix(purpose: str) -> str:
    return f"os2-{purpose}-"


def _create(around: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = around / f"{prefix}{secrets.token_hex(_NAME_BYTES)}"
        folder.mkdir(mode=0o700)
        # Another process may take it for a left one before it is locked.
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, _FLAGS)
            if try_lock(descriptor) and folder.exists():
                return folder, descriptor
            os.close(descriptor)
