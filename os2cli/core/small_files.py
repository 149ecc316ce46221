"""Read files that others may have put there: regular ones only, up to a size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

# Settings, ignore files, records: what people and programs write by hand is far smaller.
SMALL_FILE_BYTES = 1_000_000
_DESCRIPTORS = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_small(path: Path, limit: int = SMALL_FILE_BYTES) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    Raises:
        OSError: it cannot be read, is not a regular file (a fifo would block, a device would never
            end) or is larger; ``strerror`` says which.
    """
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content = file.read(limit + 1)
    return _within(limit, content, path)


def read_small_or_pipe(path: Path, limit: int = SMALL_FILE_BYTES) -> bytes:
    """Return what is in a small file, or in a pipe that the shell made: ``OPTION <(…)``.

    Raises:
        OSError: as ``read_small`` does.
    """
    if not str(path).startswith(_DESCRIPTORS):
        return read_small(path, limit)
    with path.open("rb") as stream:
        return _within(limit, stream.read(limit + 1), path)


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting, as a fifo does for its writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def _within(limit: int, content: bytes, path: Path) -> bytes:
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit / 1e6:g} MB", str(path))
    return content
