"""Lines of a build's output, which comes in pieces; a step may write any amount on one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from os2cli.snapshots.build_secrets import MAX_SECRET_BYTES

MAX_LINE_CHARACTERS = 2**20
# The end of what is kept of a line may be a part of a secret, which no mask hides.
_LIMIT = MAX_LINE_CHARACTERS + MAX_SECRET_BYTES
_CUT = " … (the line is cut here: it is longer than 1 MB)"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class BuildLines:
    """The lines of one source, masked; of a line that redraws itself, only the last state."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._begin()

    def add(self, text: str) -> Iterator[str]:
        """Yield the lines that a piece ends."""
        first, *others = text.split("\n")
        self._append(first)
        for part in others:
            yield self.end()
            self._append(part)

    def end(self) -> str:
        """Return the line as far as it has come, and begin the next one."""
        text, is_cut = _ANSI.sub("", "".join(self._parts)), self._size == _LIMIT
        self._begin()
        text = self._mask(text)
        return text[:-MAX_SECRET_BYTES] + _CUT if is_cut else text

    def _begin(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        # A carriage return clears the line once something follows.
        self._returned = False

    def _append(self, text: str) -> None:
        if state := text.rstrip("\r"):
            before, _, state = state.rpartition("\r")
            if before or self._returned or text.startswith("\r"):
                self._begin()
            state = state[: _LIMIT - self._size]
            self._parts.append(state)
            self._size += len(state)
        self._returned = text.endswith("\r") if text else self._returned
