"""One member of a build context, and how its content is read."""

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

# A link that took a file's place is not followed, and a fifo that did is not waited for.
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

# What opening says when a file was removed, or something else took its place.
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO})


class EntryKind(StrEnum):
    """What a member of the context is."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """A file, link or folder as it was when the context was collected.

    ``path`` is relative to the root, with ``/``; bytes that are not UTF-8 are surrogate-escaped.
    ``mode`` is 0o755 or 0o644 for a file, 0o755 for a folder, 0o777 for a link. ``size`` counts
    bytes and is 0 unless this is a file. ``target`` is a link's text, never followed.
    ``modified_ns`` serves to notice a later change; it is not part of what is sent. ``source`` is
    where a file's content is read when that is not ``path``: for a copy that stands for a link.
    """

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    target: str | None = None
    modified_ns: int = field(default=0, repr=False, compare=False)
    source: str | None = None

    @property
    def origin(self) -> str:
        """The path on disk below the root, which messages name."""
        return self.source or self.path


def encode(path: str) -> bytes:
    """The bytes that ``path`` has on disk, whatever the locale says."""
    return path.encode("utf-8", "surrogateescape")


def decode(path: bytes) -> str:
    """The text for the bytes of a path; ``encode`` reverses it."""
    return path.decode("utf-8", "surrogateescape")


def displayed(path: str) -> str:
    """``path`` fit for a message: what is not UTF-8 is shown as ``\\xNN``."""
    return encode(path).decode("utf-8", "backslashreplace")


def on_disk(root: Path, path: str) -> bytes:
    """Where ``path`` of a context lies, as bytes: a ``Path`` would depend on the locale."""
    return os.fsencode(root) + b"/" + encode(path)


def is_folder(root: Path, path: str) -> bool:
    """Whether a folder lies there, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(on_disk(root, path)).st_mode)
    except OSError:
        return False


def read_pieces(root: Path, entry: ContextEntry) -> Iterator[bytes]:
    """The content of a file in pieces of at most ``PIECE_BYTES``, ``entry.size`` bytes in all.

    Raises:
        OperationFailed: the file is no longer the one that was collected.
        UsageError: the file may not be read.
    """
    try:
        descriptor = os.open(on_disk(root, entry.origin), _OPEN_FLAGS)
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
    """The error for a file that differs from what was collected."""
    return OperationFailed(
        f"{displayed(path)} changed while it was being sent",
        hint="run the command again when nothing writes to the folder",
    )


def _unreadable(entry: ContextEntry, error: OSError) -> Os2Error:
    name = displayed(entry.origin)
    if isinstance(error, PermissionError):
        return UsageError(
            f"{name} may not be read",
            hint="change its permissions, or list it in .dockerignore so that it is not sent",
        )
    if error.errno in _GONE:
        return changed(entry.origin)
    return OperationFailed(
        f"{name} cannot be read: {error.strerror}",
        hint="see whether the disk is sound, or list it in .dockerignore",
    )
