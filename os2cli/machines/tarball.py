"""The tar that files travel in between this host and a machine."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.core.plain_text import plain_line
from os2cli.machines.omissions import Omissions
from os2cli.machines.tar_headers import InvalidTar
from os2cli.machines.tar_reader import TarReader
from os2cli.machines.unpacking import Unpacked, unpack

# An archive is filled up to 10 KB, as a tape was; what a machine sends after that is not a tar's.
MAX_REST_BYTES = 1024 * 1024

# A tar in pieces, and in the end what its sender left out.
Packed = Generator[bytes, None, Omissions]


def receive(pieces: Pieces, folder: int) -> Unpacked:
    """Unpack a tar below an open directory; ``OperationFailed`` if it is broken or hostile."""
    try:
        unpacked = unpack(TarReader(pieces), folder)
    except (InvalidTar, OSError) as error:
        # The error of the machine's own tar says more than its truncated output.
        pieces.exhaust()
        raise unusable(error) from error
    pieces.exhaust()
    unpacked.omissions.extend(pieces.omissions)
    return unpacked


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

    def __init__(self, pieces: Packed, report: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._report = report
        # What the sender could not pack; known when it has ended.
        self.omissions = Omissions()
        self._rest = bytearray()
        self._received = 0

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer at the end, and report those received."""
        while len(self._rest) < count and (piece := self._next()):
            self._rest += piece
        data = bytes(self._rest[:count])
        del self._rest[:count]
        return data

    def exhaust(self) -> None:
        """Read on to the sender's end, which may raise its failure, but not without end."""
        last = self._received + MAX_REST_BYTES
        while self._received < last and self._next():
            continue

    def close(self) -> None:
        """End the sender, which may have more to send."""
        self._pieces.close()

    def _next(self) -> bytes:
        """Return the next piece, empty at the end."""
        try:
            while not (piece := next(self._pieces)):
                continue
        except StopIteration as end:
            self.omissions.extend(end.value or Omissions())
            return b""
        self._received += len(piece)
        self._report(self._received)
        return piece


def unreadable(error: OSError, path: Path) -> Os2Error:
    """Return the failure to read or write a file of this host."""
    return OperationFailed(
        f"cannot copy {plain_line(str(error.filename or path))}: {error.strerror or error}",
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
