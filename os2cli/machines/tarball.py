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
            # The data filter keeps everything below the directory and creates no devices.
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, ValueError) as error:
        # The error of the machine's own tar says more than its truncated output.
        pieces.exhaust()
        raise unusable(error) from error
    pieces.exhaust()


class CountedFile:
    """A file that reports how far it was read, with the methods that uploads need."""

    def __init__(self, file: BinaryIO, report: Callable[[int], None]) -> None:
        self._file = file
        self._report = report

    def read(self, count: int = -1) -> bytes:
        """Read from the file, and report the position reached."""
        data = self._file.read(count)
        self._report(self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move as the file does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the file's position."""
        return self._file.tell()

    def fileno(self) -> int:
        """Return the file's descriptor."""
        return self._file.fileno()


class Pieces:
    """A readable file over an iterator of pieces, which reports the bytes received."""

    def __init__(self, pieces: Iterator[bytes], report: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._report = report
        self._rest = b""
        self._received = 0

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer at the end, and report those received."""
        while len(self._rest) < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._received += len(piece)
            self._report(self._received)
            self._rest += piece
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def exhaust(self) -> None:
        """Read on to the sender's end, which may raise its failure."""
        for _ in self._pieces:
            continue


def unreadable(error: OSError, path: Path) -> Os2Error:
    """Return the failure to read or write a file of this host."""
    return OperationFailed(
        f"cannot copy {error.filename or path}: {error.strerror or error}",
        hint="check its permissions and the free disk space",
        code="copy_failed",
    )


def unusable(error: Exception) -> Os2Error:
    """Return the failure to use what a machine sent."""
    reason = getattr(error, "strerror", None) or error
    return OperationFailed(
        f"cannot unpack the files from the machine: {reason}",
        hint="copy fewer files at once, or pack them first: os2 machine exec NAME -- tar …",
        code="copy_failed",
    )
