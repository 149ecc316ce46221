"""The context as a canonical tar: equal entries give equal bytes, everywhere.

The headers are written here because ``tarfile`` fills some fields differently from one Python
release to the next, and the bytes are what ``BuildContext.digest`` names. The format is GNU tar's
(https://www.gnu.org/software/tar/manual/html_node/Standard.html): names and links of any length
and of any bytes, and files beyond 8 GiB, without the PAX records that would need UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from os2cli.snapshots.context.entries import (
    PIECE_BYTES,
    ContextEntry,
    EntryKind,
    encode,
    read_pieces,
)

# 2 January 1980: zip, and so Python wheels and jars, cannot hold an earlier day in any time zone.
MODIFIED = 315_619_200

_BLOCK = 512
_RECORD = 20 * _BLOCK
_NAME_BYTES = 100
_CHECKSUM_AT, _CHECKSUM_BYTES = 148, 8
_OCTAL_SIZE_LIMIT = 8**11

_TYPE = {EntryKind.FILE: b"0", EntryKind.LINK: b"2", EntryKind.FOLDER: b"5"}
_LONG_NAME, _LONG_LINK, _EXTENSION_NAME = b"L", b"K", b"././@LongLink"


def tar_stream(root: Path, entries: Iterable[ContextEntry]) -> Iterator[bytes]:
    """Yield the entries, in order, as an uncompressed tar in chunks of about ``PIECE_BYTES``.

    Memory stays flat and nothing is written to disk.

    Raises:
        OperationFailed: a file changed after it was collected.
        UsageError: a file cannot be read for lack of permission.
    """
    pending = bytearray()
    total = 0
    for part in _parts(root, entries):
        pending += part
        total += len(part)
        if len(pending) >= PIECE_BYTES:
            yield bytes(pending)
            pending.clear()
    end = 2 * _BLOCK
    yield bytes(pending) + bytes(end + -(total + end) % _RECORD)


def _parts(root: Path, entries: Iterable[ContextEntry]) -> Iterator[bytes]:
    for entry in entries:
        yield _headers(entry)
        if entry.kind is EntryKind.FILE:
            yield from read_pieces(root, entry)
            yield _padding(entry.size)


def _headers(entry: ContextEntry) -> bytes:
    name = encode(entry.path) + (b"/" if entry.kind is EntryKind.FOLDER else b"")
    link = encode(entry.target or "")
    header = _Header(name, _TYPE[entry.kind], entry.mode, entry.size, link, MODIFIED)
    return _extension(_LONG_LINK, link) + _extension(_LONG_NAME, name) + header.block()


def _extension(kind: bytes, text: bytes) -> bytes:
    """Return the extra member for a name too long for the header's own field."""
    if len(text) <= _NAME_BYTES:
        return b""
    content = text + b"\0"
    header = _Header(_EXTENSION_NAME, kind, 0o644, len(content))
    return header.block() + content + _padding(len(content))


class _Header(NamedTuple):
    name: bytes
    kind: bytes
    mode: int
    size: int
    link: bytes = b""
    modified: int = 0

    def block(self) -> bytes:
        """Return the header's block; user and group are 0, without names or devices."""
        fields = (
            self.name[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0"),
            b"%07o\0" % self.mode,
            b"%07o\0" % 0,
            b"%07o\0" % 0,
            _number(self.size),
            b"%011o\0" % self.modified,
            b" " * _CHECKSUM_BYTES,
            self.kind,
            self.link[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0"),
            b"ustar  \0",
        )
        block = bytearray(b"".join(fields).ljust(_BLOCK, b"\0"))
        block[_CHECKSUM_AT : _CHECKSUM_AT + _CHECKSUM_BYTES] = b"%06o\0 " % sum(block)
        return bytes(block)


def _number(size: int) -> bytes:
    """Encode a size in twelve bytes: octal, or GNU's binary form for too large a size."""
    if size < _OCTAL_SIZE_LIMIT:
        return b"%011o\0" % size
    return b"\x80" + size.to_bytes(11, "big")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
