"""Read a tar that a machine sent, one header at a time.

Not with the standard library's ``tarfile``: before Python 3.11.13, 3.12.11 and 3.13.4 it follows
the links of an archive (CVE-2025-4517 and four more). It also reads headers of any size into
memory, and never ends at some. Formats: ustar, and GNU's and POSIX's extensions for long names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from os2cli.machines.tar_headers import (
    EXTENSIONS,
    Entry,
    InvalidTar,
    checked,
    entry_of,
    extension,
    number_in,
)

BLOCK_BYTES = 512
CHUNK_BYTES = 64 * 1024
# More than any system takes as a path, and than extended attributes need.
MAX_EXTENSION_BYTES = 1024 * 1024
MAX_EXTENSIONS = 8
MAX_ENTRIES = 500_000


class Source(Protocol):
    """Where the bytes come from."""

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer at the end."""
        ...


class TarReader:
    """The entries of an archive in their order; ``content`` is that of the last one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        # Of the current entry: what was not read yet, and the rest of its last block.
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries; raises ``InvalidTar``."""
        for number in range(MAX_ENTRIES + 1):
            for _ in self.content():
                continue
            self._read(self._padding)
            self._padding = 0
            entry = self._next()
            if entry is None:
                return
            if number == MAX_ENTRIES:
                raise InvalidTar(f"it has more than {MAX_ENTRIES:,} entries")
            yield entry

    def content(self) -> Iterator[bytes]:
        """Yield what was not read yet of the current entry's content."""
        while self._left:
            data = self._read(min(self._left, CHUNK_BYTES))
            self._left -= len(data)
            yield data

    def _next(self) -> Entry | None:
        """Return the next entry with what the headers before it add to it; None at the end."""
        added: dict[bytes, bytes] = {}
        for _ in range(MAX_EXTENSIONS + 1):
            header = self._read(BLOCK_BYTES)
            if not any(header):
                if added:
                    raise InvalidTar("it ends after half an entry")
                return None
            kind = checked(header)[156:157]
            if kind not in EXTENSIONS:
                return self._entry(header, kind, added)
            added |= extension(kind, self._extension_data(header))
        raise InvalidTar("it has too many headers for one entry")

    def _entry(self, header: bytes, kind: bytes, added: dict[bytes, bytes]) -> Entry:
        entry = entry_of(header, kind, added)
        self._left = entry.size
        self._padding = -entry.size % BLOCK_BYTES
        return entry

    def _extension_data(self, header: bytes) -> bytes:
        size = number_in(header[124:136])
        if size > MAX_EXTENSION_BYTES:
            raise InvalidTar("it has a header that is too long")
        return self._read(size + -size % BLOCK_BYTES)[:size]

    def _read(self, count: int) -> bytes:
        data = self._source.read(count)
        if len(data) < count:
            raise InvalidTar("it ends early")
        return data
