"""The headers of a tar that a machine sent, every number and path in them checked."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SIZE_BYTES = 2**60
# PATH_MAX, and what no program's recursion minds.
MAX_PATH_BYTES, MAX_DEPTH = 4096, 200
# 2242: later than that, not every file system goes.
MAX_MOMENT = 2**33

_OCTAL = re.compile(rb"[\0 ]*+([0-7]*+)[\0 ]*+")
_SPARSE = b"GNU.sparse."


class InvalidTar(ValueError):
    """The archive is broken, too large, or of a form that is not read."""


class Kind(enum.Enum):
    """What an entry is."""

    FILE = enum.auto()
    FOLDER = enum.auto()
    LINK = enum.auto()
    HARD_LINK = enum.auto()
    # A device or a pipe.
    SPECIAL = enum.auto()


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.LINK,
    b"3": Kind.SPECIAL,
    b"4": Kind.SPECIAL,
    b"5": Kind.FOLDER,
    b"6": Kind.SPECIAL,
}
_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL = b"L", b"K", b"x", b"g"
EXTENSIONS = (_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: ``path`` and ``target`` are split at slashes, and lead nowhere but down.

    ``link`` is what a link holds, as it is; ``target`` is the earlier entry of a hard link.
    """

    path: tuple[bytes, ...]
    kind: Kind
    size: int = 0
    mode: int = 0
    modified: int = 0
    link: bytes = b""
    target: tuple[bytes, ...] = ()


def checked(header: bytes) -> bytes:
    """Return a header whose checksum is right."""
    total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    if number_in(header[148:156]) != total:
        raise InvalidTar("it is not a tar")
    return header


def entry_of(header: bytes, type_: bytes, added: dict[bytes, bytes]) -> Entry:
    """Return the entry of a header, with what the headers before it ``added``."""
    kind = _KINDS.get(type_)
    if kind is None:
        raise InvalidTar(f"it has an entry of type {type_!r}")
    path = added.get(b"path") or _name(header)
    if kind is Kind.FILE and path.endswith(b"/"):
        kind = Kind.FOLDER
    size = _decimal(added[b"size"]) if b"size" in added else number_in(header[124:136])
    if size > MAX_SIZE_BYTES or (size and kind is not Kind.FILE):
        raise InvalidTar(f"it has an entry of an impossible size: {size:,} bytes")
    link = added.get(b"linkpath") or _text(header[157:257])
    hard = kind is Kind.HARD_LINK
    return Entry(
        path=_parts(path),
        kind=kind,
        size=size,
        mode=number_in(header[100:108]) & 0o777,
        modified=_moment(header[136:148]),
        link=_link(link) if kind is Kind.LINK else b"",
        target=_parts(link) if hard else (),
    )


def _name(header: bytes) -> bytes:
    name, prefix = _text(header[:100]), _text(header[345:500])
    # GNU's format has other fields where ustar has the prefix.
    is_posix = header[257:263] == b"ustar\0"
    return prefix + b"/" + name if is_posix and prefix else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def number_in(field: bytes) -> int:
    """Return a number in octal, or in GNU's binary form."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise InvalidTar("it has a header with an invalid number")
    return int(match[1] or b"0", 8)


def _moment(field: bytes) -> int:
    try:
        return min(number_in(field), MAX_MOMENT)
    except InvalidTar:
        return 0  # before 1970, which is not worth more code


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise InvalidTar("it has a header with an invalid number")
    return int(text)


def _parts(path: bytes) -> tuple[bytes, ...]:
    """Return the names in a path; one that begins with a slash counts as one that doesn't."""
    if len(path) > MAX_PATH_BYTES:
        raise InvalidTar(f"it has a path of {len(path):,} bytes")
    if b"\0" in path:
        raise InvalidTar("it has a path with a NUL")
    parts = tuple(part for part in path.split(b"/") if part not in (b"", b"."))
    if b".." in parts:
        raise InvalidTar("it has a path that leads out of it")
    if len(parts) > MAX_DEPTH:
        raise InvalidTar(f"it has a path of {len(parts)} directories")
    return parts


def _link(link: bytes) -> bytes:
    if not link or b"\0" in link or len(link) > MAX_PATH_BYTES:
        raise InvalidTar("it has an invalid link")
    return link


def extension(kind: bytes, data: bytes) -> dict[bytes, bytes]:
    """Return what a header adds to the next entry."""
    if kind == _LONG_NAME:
        return {b"path": _text(data)}
    if kind == _LONG_LINK:
        return {b"linkpath": _text(data)}
    # What holds for all entries is only ever a comment.
    return dict(_records(data)) if kind == _EXTENDED else {}


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of POSIX's header: each begins with its length, as ``21 path=…``."""
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        length = _decimal(data[position:space]) if space > 0 else 0
        record = data[position : position + length]
        key, equals, value = record[space + 1 - position :].partition(b"=")
        if not equals or not record.endswith(b"\n") or len(record) < length:
            raise InvalidTar("it has an invalid header")
        if key.startswith(_SPARSE):
            raise InvalidTar("it has a file with holes")
        yield key, value[:-1]
        position += length
