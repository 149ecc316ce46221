r"""Shell patterns in a variable's ``#``, ``%`` and ``/``: ``*``, ``?``, and ``\`` to escape.

Here a state is the set of places in the pattern that may come next, one bit for each: a pattern
that is foreign takes no longer than its length and the text's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

# Each place of a text is tried as the start of what is replaced.
_MAX_REPLACED_IN = 4_096


class Glob:
    """A pattern; ``reverse`` reads it, and every text, from its end."""

    def __init__(self, pattern: str, *, reverse: bool = False) -> None:
        signs = list(_signs(pattern))
        self._reverse = reverse
        self._many = self._any = 0
        self._places: defaultdict[str, int] = defaultdict(int)
        for place, (sign, literal) in enumerate(reversed(signs) if reverse else signs):
            if literal:
                self._places[sign] |= 1 << place
            elif sign == "?":
                self._any |= 1 << place
            else:
                self._many |= 1 << place
        self._end = 1 << len(signs)

    def cut(self, text: str, *, longest: bool) -> str:
        """Return a text without the part at its start, or its end, that matches."""
        text = text[::-1] if self._reverse else text
        ends = self._ends(text)
        length = max(ends, default=0) if longest else next(ends, 0)
        rest = text[length:]
        return rest[::-1] if self._reverse else rest

    def replace(self, text: str, other: str, *, every: bool) -> str:
        """Return a text in which ``other`` stands for the longest parts that match."""
        if len(text) > _MAX_REPLACED_IN:
            return text
        kept, place, left = [], 0, -1 if every else 1
        while place < len(text) and left:
            ends = [end for end in self._ends(text[place:]) if end]
            kept.append(other if ends else text[place])
            left -= bool(ends)
            place += ends[-1] if ends else 1
        return "".join(kept) + text[place:]

    def _ends(self, text: str) -> Iterator[int]:
        """Yield the lengths of the starts of a text that match, the shortest first."""
        state = self._closed(1)
        for length, sign in enumerate((*text, "")):
            if state & self._end:
                yield length
            taken = state & (self._places.get(sign, 0) | self._any)
            state = self._closed(taken << 1 | state & self._many)

    def _closed(self, state: int) -> int:
        """Return a state with the places behind a ``*``, which may stand for nothing."""
        return state | (state & self._many) << 1


def _signs(pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield the characters, and whether each stands for itself; of many ``*`` one."""
    signs = iter(pattern)
    before = ""
    for sign in signs:
        if sign == "\\":
            yield next(signs, "\\"), True
        elif not (sign == before == "*"):
            yield sign, sign not in "*?"
        before = sign
