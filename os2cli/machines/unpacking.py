"""Write what a machine sent below a directory of this host, and nowhere else.

Every directory is opened by its name in its parent, and never through a link: what the archive's
links hold does not matter, nor what another process changes meanwhile. So links are created as they
are: a copy of a virtual environment needs those that lead out of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from os2cli.core.plain_text import plain_line
from os2cli.machines.omissions import Omissions
from os2cli.machines.tar_headers import Entry, InvalidTar, Kind
from os2cli.machines.tar_reader import TarReader

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Other users may not write; the owner may, so that a copy can be removed.
_MODE, _FILE_MODE, _FOLDER_MODE = 0o755, 0o600, 0o700
# A pipe on this host would stop the next program that reads the copy.
SPECIAL = "it is a device or a pipe"


@dataclass(slots=True)
class Count:
    """How many entries something is true of, and the first of them."""

    number: int = 0
    example: str = ""

    def add(self, example: str) -> None:
        """Count one more."""
        self.number += 1
        self.example = self.example or plain_line(example)

    def __str__(self) -> str:
        others = self.number - 1
        return f"{self.example} and {others:,} more" if others else self.example


@dataclass(slots=True)
class Unpacked:
    """What a user should know of an archive that was unpacked."""

    # Neither file, directory nor link.
    omissions: Omissions = field(default_factory=Omissions)
    # Links to what is not part of the copy.
    leading_out: Count = field(default_factory=Count)
    # The archive has what is in a directory, and not the directory by its name.
    is_content: bool = False


def unpack(archive: TarReader, root: int) -> Unpacked:
    """Unpack an archive below the directory that ``root`` is open for.

    Raises:
        InvalidTar: the archive is broken, or an entry would be below a link or another entry.
        OSError: a file cannot be written.
    """
    tree, unpacked = _Tree(root), Unpacked()
    # The directory that is copied: an archive of a directory's content begins with ``.``.
    top = 1
    try:
        for number, entry in enumerate(archive):
            if number == 0 and not entry.path:
                top, unpacked.is_content = 0, True
            tree.add(entry, archive)
            if entry.kind is Kind.SPECIAL:
                unpacked.omissions.add(_shown(entry.path), SPECIAL)
            elif entry.kind is Kind.LINK and _leads_out(entry, top):
                unpacked.leading_out.add(f"{_shown(entry.path)} -> {os.fsdecode(entry.link)}")
    finally:
        tree.close()
    return unpacked


class _Tree:
    """The directory, and the one below it that the last entry is in."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._current = os.dup(root)
        self._path: tuple[bytes, ...] = ()

    def close(self) -> None:
        """Close what is open, except for the root."""
        os.close(self._current)

    def add(self, entry: Entry, archive: TarReader) -> None:
        """Create one entry, and the directories above it."""
        if entry.kind is Kind.FOLDER:
            self._enter(entry.path, entry.mode)
            return
        if not entry.path:
            raise InvalidTar("it has an entry without a name")
        if entry.kind is Kind.SPECIAL:
            return
        *folder, name = entry.path
        self._enter(tuple(folder))
        with _named(entry.path):
            match entry.kind:
                case Kind.FILE:
                    self._write(name, entry, archive)
                case Kind.LINK:
                    os.symlink(entry.link, name, dir_fd=self._current)
                case Kind.HARD_LINK:
                    self._link(name, entry)

    def _enter(self, path: tuple[bytes, ...], mode: int = _MODE) -> None:
        """Make a directory the current one; create those that are missing."""
        if path[: len(self._path)] != self._path:
            self._move(os.dup(self._root), ())
        for number in range(len(self._path), len(path)):
            last = number == len(path) - 1
            with _named(path[: number + 1]):
                opened = _open_folder(path[number], self._current, mode if last else _MODE)
            self._move(opened, path[: number + 1])

    def _move(self, opened: int, path: tuple[bytes, ...]) -> None:
        os.close(self._current)
        self._current, self._path = opened, path

    def _write(self, name: bytes, entry: Entry, archive: TarReader) -> None:
        if entry.size > _free_bytes(self._root):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        mode = (entry.mode & _MODE) | _FILE_MODE
        descriptor = os.open(name, _NEW_FILE, mode, dir_fd=self._current)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor has no path
            file.writelines(archive.content())
            file.flush()
            os.utime(descriptor, (entry.modified, entry.modified))

    def _link(self, name: bytes, entry: Entry) -> None:
        """Link to an earlier entry, which is reached as every other: not through a link."""
        if not entry.target:
            raise InvalidTar(f"{_shown(entry.path)} is a hard link to nothing")
        *folder, target = entry.target
        at = os.dup(self._root)
        try:
            for part in folder:
                below = os.open(part, FOLDER_FLAGS, dir_fd=at)
                os.close(at)
                at = below
            os.link(target, name, src_dir_fd=at, dst_dir_fd=self._current, follow_symlinks=False)
        except FileNotFoundError as error:
            raise InvalidTar(f"{_shown(entry.path)} is a hard link to nothing") from error
        finally:
            os.close(at)


def _open_folder(name: bytes, parent: int, mode: int) -> int:
    """Open a directory, a new one if there is none."""
    with suppress(FileExistsError):
        os.mkdir(name, (mode & _MODE) | _FOLDER_MODE, dir_fd=parent)
    return os.open(name, FOLDER_FLAGS, dir_fd=parent)


@contextmanager
def _named(path: tuple[bytes, ...]) -> Iterator[None]:
    """Explain the errors that an archive causes, and not this host."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise InvalidTar(f"{_shown(path)} would go through a link or a file") from error
        if error.errno == errno.EEXIST:
            raise InvalidTar(f"two entries have the name {_shown(path)} on this host") from error
        raise


def _free_bytes(descriptor: int) -> int:
    system = os.fstatvfs(descriptor)
    return system.f_bavail * system.f_frsize


def _leads_out(entry: Entry, top: int) -> bool:
    """Return whether a link leads out of the first ``top`` directories, as it is written."""
    if entry.link.startswith(b"/"):
        return True
    depth = len(entry.path) - 1
    for part in entry.link.split(b"/"):
        if part == b"..":
            depth -= 1
        elif part not in (b"", b"."):
            depth += 1
        if depth < top:
            return True
    return False


def _shown(path: tuple[bytes, ...]) -> str:
    return plain_line(os.fsdecode(b"/".join(path)))
