"""The tar that files travel in between this host and a machine."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from os2cli.core.errors import OperationFailed, Os2Error


def pack(source: Path, name: str, file: BinaryIO) -> None:
    """Write a tar of ``source``, named ``name`` in it and owned by no one in particular."""

    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    try:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(source, arcname=name, filter=anonymous)
    except OSError as error:
        raise unreadable(error, source) from error


def unpack(pieces: Pieces, folder: Path) -> None:
    """Unpack a tar below ``folder``; raise ``OperationFailed`` if it is broken or hostile."""
    try:
        with tarfile.open(fileobj=cast("BinaryIO", pieces), mode="r|") as archive:
            # Whatever a machine sends stays below the folder, and makes no devices.
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, ValueError) as error:
        # What the machine's own tar says tells more than how its output ends.
        pieces.exhaust()
        raise unusable(error) from error
    pieces.exhaust()


class CountedFile:
    """A file whose reader tells how far it is; it has all that uploads ask a file for."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._told = tell

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        self._told(self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()


class Pieces:
    """The file that pieces come to."""

    def __init__(self, pieces: Iterator[bytes], tell: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._tell = tell
        self._rest = b""
        self._came = 0

    def read(self, count: int) -> bytes:
        while len(self._rest) < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._came += len(piece)
            self._tell(self._came)
            self._rest += piece
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def exhaust(self) -> None:
        """Let the sender come to its end, which may be a failure."""
        for _ in self._pieces:
            continue


def unreadable(error: OSError, path: Path) -> Os2Error:
    """Return the failure to read or write a file of this host."""
    return OperationFailed(
        f"{error.filename or path} can't be copied: {error.strerror or error}",
        hint="look at its permissions and at the room that is left",
        code="copy_failed",
    )


def unusable(error: Exception) -> Os2Error:
    """Return the failure to use what a machine sent."""
    reason = getattr(error, "strerror", None) or error
    return OperationFailed(
        f"what the machine sent can't be unpacked: {reason}",
        hint="copy fewer files at once, or pack them there: os2 machine exec NAME -- tar …",
        code="copy_failed",
    )
