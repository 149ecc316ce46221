"""The lines of a log, however long it is: nothing of it is kept but a part of a line, or a tail."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

# A longer line is cut, and a larger tail loses its first lines.
MAX_LINE_BYTES = 1024 * 1024
MAX_TAIL_BYTES = 64 * 1024 * 1024
_CUT = " … (the line is cut here: it is longer than 1 MB)"
_LOST = "(earlier lines are left out: the tail is larger than 64 MB)"


class LineSplitter:
    """Makes lines of a log that comes in pieces; bytes that are not UTF-8 become U+FFFD."""

    def __init__(self) -> None:
        self._rest = bytearray()
        # The rest of a line that was cut is not kept.
        self._skips = False

    def add(self, data: bytes) -> Iterator[str]:
        """Yield the lines that a piece ends."""
        first, *others = data.split(b"\n")
        yield from self._add_to_line(first)
        for part in others:
            yield from self.end()
            yield from self._add_to_line(part)

    def end(self) -> Iterator[str]:
        """Yield the line that has not ended yet, if there is one that was not cut."""
        line, self._rest = bytes(self._rest), bytearray()
        was_cut, self._skips = self._skips, False
        if not was_cut:
            yield _decoded(line)

    @property
    def is_between(self) -> bool:
        """Whether the last line has ended."""
        return not self._rest and not self._skips

    def _add_to_line(self, data: bytes) -> Iterator[str]:
        if self._skips:
            return
        self._rest += data[: MAX_LINE_BYTES + 1 - len(self._rest)]
        if len(self._rest) > MAX_LINE_BYTES:
            yield _decoded(bytes(self._rest[:MAX_LINE_BYTES])) + _CUT
            self._rest, self._skips = bytearray(), True


def _decoded(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield whole lines as they come; the last may lack its end."""
    splitter = LineSplitter()
    for chunk in chunks:
        yield from splitter.add(chunk)
    if not splitter.is_between:
        yield from splitter.end()


class Tail:
    """The last lines of a log."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lines: deque[str] = deque()
        self._size = 0
        self._is_too_large = False

    def add(self, line: str) -> None:
        """Add a line, and forget the first if there are more than asked for."""
        self._lines.append(line)
        self._size += len(line)
        self._is_too_large |= self._size > MAX_TAIL_BYTES
        while self._lines and (len(self._lines) > self._count or self._size > MAX_TAIL_BYTES):
            self._size -= len(self._lines.popleft())

    def lines(self) -> list[str]:
        """Return the lines, which are fewer if they are very long."""
        is_short = self._is_too_large and len(self._lines) < self._count
        return [_LOST, *self._lines] if is_short else list(self._lines)


def last_lines(lines: Iterable[str], count: int | None) -> Iterable[str]:
    """Return the last ``count`` lines; None for all, as they come."""
    if count is None:
        return lines
    tail = Tail(count)
    for line in lines:
        tail.add(line)
    return tail.lines()
