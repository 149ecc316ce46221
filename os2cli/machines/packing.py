"""Pack files of this host for a machine, and name those that cannot go along.

Not ``tarfile.add``: it is silent about sockets, fails as a whole on a file that cannot be read or
that another process shortens, sends the kernel's files as empty ones, and recurses.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from os2cli.core.errors import UsageError
from os2cli.core.plain_text import plain_line
from os2cli.host.pseudo_files import pseudo_reason
from os2cli.machines.omissions import Omissions

_AS_IT_IS = os.O_NOFOLLOW | os.O_NONBLOCK


def pack(source: Path, name: str, file: BinaryIO) -> Omissions:
    """Write a tar of ``source``, named ``name`` in it and owned by no one in particular.

    Of a directory named ``.`` only the content is sent: a target keeps its own mode and times.

    Raises:
        OSError: ``source`` itself cannot be read.
        UsageError: it is a device, a socket or the kernel's.
    """
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        packing = _Packing(archive)
        packing.top(str(source), name)
    return packing.omissions


class _Packing:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self.archive = archive
        self.omissions = Omissions()
        # Directories that are still to be read, the innermost last.
        self.folders: list[tuple[str, str]] = []

    def top(self, path: str, name: str) -> None:
        """Add what is copied, and all below it; its own failure is the copy's."""
        if reason := pseudo_reason(path, os.lstat(path)):
            raise UsageError(
                f"cannot copy {plain_line(path)}: {reason}",
                hint="copy a file, or write what it holds to one first",
                code="copy_pseudo_file",
            )
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.scandir(path).close()
        self._add(path, name)
        while self.folders:
            folder, prefix = self.folders.pop()
            with self._named(folder, prefix):
                for entry in self._add_folder(folder, prefix):
                    self._member(f"{folder}/{entry}", f"{prefix}/{entry}")

    def _add_folder(self, path: str, name: str) -> list[str]:
        """Add a directory right before what is in it, and return the names in it.

        A tar that unpacks gives it its mode, which may forbid to write, and its times at the first
        member that is not below it.
        """
        member = self.archive.gettarinfo(path, name)
        if not member.isdir():
            self.omissions.add(name, "it was replaced meanwhile")
            return []
        if name != ".":
            self.archive.addfile(_anonymous(member))
        return sorted(os.listdir(path))  # noqa: PTH208

    def _member(self, path: str, name: str) -> None:
        with self._named(path, name):
            if reason := pseudo_reason(path, os.lstat(path)):
                self.omissions.add(name, reason)
            else:
                self._add(path, name)

    @contextmanager
    def _named(self, path: str, name: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            # Another process removed it: nothing of it is there to copy.
            self.omissions.add(name, "it was removed meanwhile")
        except IsADirectoryError:
            self.omissions.add(name, "it was replaced meanwhile")
        except OSError as error:
            # A failure to write the archive is the copy's.
            if error.filename is None or os.fspath(error.filename) != path:
                raise
            self.omissions.add(name, error.strerror or str(error), failed=True)

    def _add(self, path: str, name: str) -> None:
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            self.folders.append((path, name))
        elif stat.S_ISREG(mode):
            self._add_file(path, name)
        else:
            self.archive.addfile(_anonymous(self.archive.gettarinfo(path, name)))

    def _add_file(self, path: str, name: str) -> None:
        with open(path, "rb", opener=_as_it_is) as file:
            descriptor = file.fileno()
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                self.omissions.add(name, "it was replaced meanwhile")
                return
            member = self.archive.gettarinfo(path, name, file)
            content = _Content(file, member.size if member.isreg() else 0)
            self.archive.addfile(_anonymous(member), cast("BinaryIO", content))
            status = os.fstat(descriptor)
        if content.failure is not None:
            reason = f"{content.failure.strerror or content.failure}; zeros stand for the rest"
            self.omissions.add(name, reason, failed=True)
        elif content.is_short or (member.isreg() and status.st_mtime != member.mtime):
            self.omissions.add_changed(name)


def _as_it_is(path: str, flags: int) -> int:
    """Open a file without following a link, and without waiting for a fifo's writer."""
    return os.open(path, flags | _AS_IT_IS)


class _Content:
    """The bytes of a file up to the size that its header has; zeros for those that are gone."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        self.is_short = False
        self.failure: OSError | None = None

    def read(self, count: int) -> bytes:
        """Return the next bytes."""
        count = min(count, self._left)
        data = b"" if self.is_short else self._read(count)
        self.is_short = self.is_short or len(data) < count
        self._left -= count
        return data.ljust(count, b"\0")

    def _read(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except OSError as error:
            # Its header was sent, with its size.
            self.failure = error
            return b""


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
