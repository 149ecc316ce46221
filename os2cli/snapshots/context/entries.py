"""A member of a build context, and how to read its content."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from os2cli.core.errors import OperationFailed, Os2Error, UsageError

PIECE_BYTES = 512 * 1024
FILE_CHANGED = "file_changed"

# A link that took a file's place is not followed, and a fifo that did is not waited for.
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

# The errors of opening a file that was removed or replaced.
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO})


class EntryKind(StrEnum):
    """The kind of a member of the context."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """A file, link or directory as it was when the context was collected.

    ``path`` is relative to the root, with ``/``; bytes that are not UTF-8 are surrogate-escaped.
    ``mode`` is 0o755 or 0o644 for a file, 0o755 for a folder, 0o777 for a link; ``permissions`` are
    those on disk, which only this host's engine gets. ``size`` counts bytes and is 0 unless this is
    a file. ``target`` is a link's text, never followed.
    ``modified_ns`` serves to notice a later change; it is not part of what is sent. ``source`` is
    where a file's content is read when that is not ``path``: for a copy that stands for a link.
    ``folder`` is the root of a file that os2 made, which is not in the repository.
    """

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    target: str | None = None
    modified_ns: int = field(default=0, repr=False, compare=False)
    permissions: int | None = field(default=None, repr=False, compare=False)
    source: str | None = None
    folder: Path | None = field(default=None, repr=False, compare=False)

    @property
    def origin(self) -> str:
        """The path on disk below the root, for messages."""
        return self.source or self.path


def encode(path: str) -> bytes:
    """Return the bytes of ``path`` on disk, independent of the locale."""
    return path.encode("utf-8", "surrogateescape")


def decode(path: bytes) -> str:
    """Return the text for the bytes of a path; ``encode`` reverses it."""
    return path.decode("utf-8", "surrogateescape")


def displayed(path: str) -> str:
    r"""Return ``path`` for a message, with invalid UTF-8 as ``\xNN``."""
    return encode(path).decode("utf-8", "backslashreplace")


def on_disk(root: Path, path: str) -> bytes:
    """Return the absolute path as bytes: a ``Path`` would depend on the locale."""
    return os.fsencode(root) + b"/" + encode(path)


def is_folder(root: Path, path: str) -> bool:
    """Return whether the path is a directory, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(on_disk(root, path)).st_mode)
    except OSError:
        return False


def read_pieces(root: Path, entry: ContextEntry) -> Iterator[bytes]:
    """Yield a file's content in pieces of at most ``PIECE_BYTES``, ``entry.size`` bytes in all.

    Raises:
        OperationFailed: the file changed after it was collected.
        UsageError: the file cannot be read for lack of permission.
    """
    try:
        descriptor = os.open(on_disk(entry.folder or root, entry.origin), _OPEN_FLAGS)
    except OSError as error:
        raise _unreadable(entry, error) from error
    try:
        left = entry.size
        while left:
            piece = os.read(descriptor, min(left, PIECE_BYTES))
            if not piece:
                raise changed(entry.origin)
            left -= len(piece)
            yield piece
        now = os.fstat(descriptor)
    except OSError as error:
        raise _unreadable(entry, error) from error
    finally:
        os.close(descriptor)
    same = (now.st_size, now.st_mtime_ns) == (entry.size, entry.modified_ns)
    if not same or not stat.S_ISREG(now.st_mode):
        raise changed(entry.origin)


def changed(path: str) -> OperationFailed:
    """Return the error for a file that changed after it was collected."""
    return OperationFailed(
        f"{displayed(path)} changed while it was being sent",
        hint="run the command again when no program writes to the directory",
        code=FILE_CHANGED,
    )


def _unreadable(entry: ContextEntry, error: OSError) -> Os2Error:
    name = displayed(entry.origin)
    if isinstance(error, PermissionError):
        return UsageError(
            f"cannot read {name}: permission denied",
            hint="fix its permissions, or list it in .dockerignore so that it is not sent",
        )
    if error.errno in _GONE:
        return changed(entry.origin)
    return OperationFailed(
        f"cannot read {name}: {error.strerror}",
        hint="check the disk, or list the file in .dockerignore",
    )
