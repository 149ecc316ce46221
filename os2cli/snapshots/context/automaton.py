"""A matcher without backtracking: its time grows with the path, not with ways to match it.

A repository writes the patterns, and ``a*a*a*a*b`` takes a backtracking engine longer than anyone
waits. Here a state is the set of places in the pattern that may come next, one bit for each, and
every character leads from one state to one other. Transitions are computed when they are first
needed (as RE2 does, https://swtch.com/~rsc/regexp/regexp3.html), and the state behind a directory
is remembered: mostly only a file's own name is left to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import takewhile

_MAX_REMEMBERED = 100_000
_ANY = re.compile(".")
_WORD = re.compile(r"\w", re.ASCII)


class AtomKind(Enum):
    """How a part of a pattern takes characters."""

    ONE = auto()
    MANY = auto()
    FOLDERS = auto()
    PLACE = auto()


@dataclass(frozen=True, slots=True)
class Atom:
    r"""A part of a pattern.

    ``text`` is a regular expression: of one character for ``ONE`` and ``MANY``, ``(.*/)?`` for
    ``FOLDERS``, and for ``PLACE`` one of ``^``, ``\A``, ``\Z``, ``\b`` and ``\B``.
    """

    kind: AtomKind
    text: str

    @property
    def literal(self) -> str | None:
        """The only character that it takes, None if it may take others."""
        last = self.text[-1]
        return last if self.kind is AtomKind.ONE and re.escape(last) == self.text else None


class _Before(Enum):
    """What comes before a place in the path."""

    NOTHING = auto()
    WORD = auto()
    OTHER = auto()


_State = tuple[int, _Before]
_START: _State = (1, _Before.NOTHING)


class Automaton:
    """The atoms of one pattern, in order; remembers what it computed."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        atoms = tuple(atoms)
        # Most paths differ from a pattern in its fixed ends, which a comparison finds at once.
        self._first = _fixed(atoms)
        self._last = _fixed(reversed(atoms))[::-1]
        # Masks of places; a place is the index of what comes next, the last one is the end.
        self._takers: list[tuple[int, re.Pattern[str], bool]] = []
        self._skipped = self._skipped_with_next = 0
        self._conditions: list[tuple[int, str]] = []
        place = 0
        for atom in atoms:
            place = self._add(atom, 1 << place)
        self._end = 1 << place
        self._by_character: dict[str, tuple[int, int]] = {}
        self._next: dict[tuple[_State, str], _State] = {}
        self._folders: dict[str, _State] = {"": _START}

    def matches(self, path: str) -> bool:
        """Return whether the pattern matches the whole path."""
        if not path.endswith(self._last) or not path.startswith(self._first):
            return False
        folder, slash, name = path.rpartition("/")
        places, before = self._advance(self._behind(folder + slash), name)
        return bool(places and self._closed(places, before, None) & self._end)

    def _add(self, atom: Atom, place: int) -> int:
        """Add an atom at the bit ``place``; return the index of the place behind it."""
        if atom.kind is AtomKind.FOLDERS:
            self._skipped |= place
            self._skipped_with_next |= place
            inside = place << 1
            self._takers += [(inside, _ANY, True), (inside, re.compile("/"), False)]
            return place.bit_length() + 1
        if atom.kind is AtomKind.PLACE:
            self._conditions.append((place, atom.text))
        else:
            many = atom.kind is AtomKind.MANY
            self._takers.append((place, re.compile(atom.text, re.ASCII), many))
            self._skipped |= place if many else 0
        return place.bit_length()

    def _behind(self, folder: str) -> _State:
        """Return the state behind a directory, which ends in ``/`` or is empty."""
        known = self._folders.get(folder)
        if known is not None:
            return known
        state, done = _START, ""
        for name in folder.split("/")[:-1]:
            done += f"{name}/"
            after = self._folders.get(done)
            if after is None:
                after = self._folders[done] = self._advance(state, f"{name}/")
            state = after
        return state

    def _advance(self, state: _State, text: str) -> _State:
        following = self._next
        if len(following) > _MAX_REMEMBERED:
            following.clear()
        for character in text:
            if not state[0]:
                break
            known = following.get((state, character))
            if known is None:
                known = following[state, character] = self._step(state, character)
            state = known
        return state

    def _step(self, state: _State, character: str) -> _State:
        places = self._closed(*state, character)
        stay, go = self._masks(character)
        before = _Before.WORD if _WORD.match(character) else _Before.OTHER
        return (places & stay) | (places & go) << 1, before

    def _masks(self, character: str) -> tuple[int, int]:
        """Return the places that take the character: those that stay there, and that go on."""
        known = self._by_character.get(character)
        if known is None:
            stay = go = 0
            for place, takes, many in self._takers:
                if takes.fullmatch(character):
                    stay, go = (stay | place, go) if many else (stay, go | place)
            known = self._by_character[character] = (stay, go)
        return known

    def _closed(self, places: int, before: _Before, following: str | None) -> int:
        """Add the places that are reached without a character."""
        skipped = self._skipped
        for place, condition in self._conditions:
            if _holds(condition, before, following):
                skipped |= place
        while True:
            more = places | (places & skipped) << 1 | (places & self._skipped_with_next) << 2
            if more == places:
                return places
            places = more


def _fixed(atoms: Iterable[Atom]) -> str:
    """Return the characters that the first atoms stand for."""
    return "".join(takewhile(bool, (atom.literal or "" for atom in atoms)))


def _holds(condition: str, before: _Before, following: str | None) -> bool:
    """Return whether a condition without a character holds between two characters."""
    if condition in ("^", r"\A"):
        return before is _Before.NOTHING
    if condition == r"\Z":
        return following is None
    is_word = following is not None and _WORD.match(following) is not None
    return ((before is _Before.WORD) != is_word) == (condition == r"\b")
