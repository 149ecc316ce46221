"""The entries below the paths that a Dockerfile copies, also behind links."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from os2cli.snapshots.context import ContextEntry, EntryKind

_MAX_LINKS = 255
# Links within links multiply. Who has more gets the whole context, which is right as well.
_MAX_STEPS = 100_000
_WILDCARD = re.compile(r"[*?\[\]\\]")


class _Part(NamedTuple):
    """A part of a path, and what the names that match begin and end with."""

    begin: str
    end: str
    whole: bool

    def matches(self, name: str) -> bool:
        if self.whole:
            return name == self.begin
        return (
            len(name) >= len(self.begin) + len(self.end)
            and name.startswith(self.begin)
            and name.endswith(self.end)
        )


def followed(entries: Sequence[ContextEntry], paths: Iterable[str]) -> list[ContextEntry]:
    """Return the entries at and below ``paths``, with the folders above and what links lead to.

    A path may have wildcards. They are not read in full: more entries than asked for do no harm,
    as BuildKit looks for what it copies among those that it got.
    """
    tree = _Tree(entries)
    try:
        for path in paths:
            tree.follow("", tuple(map(_pattern, _names(path))), _MAX_LINKS)
    except _TooManyStepsError:
        return list(entries)
    return [entry for entry in entries if tree.has(entry.path)]


class _TooManyStepsError(Exception):
    """The paths and links lead to too many places."""


def _names(path: str) -> list[str]:
    """Return the parts of a path, with none that leads out."""
    return [part for part in posixpath.normpath(f"/{path}").split("/") if part]


def _pattern(text: str) -> _Part:
    signs = [found.start() for found in _WILDCARD.finditer(text)]
    return _Part(text[: signs[0]], text[signs[-1] + 1 :], whole=False) if signs else _name(text)


def _name(text: str) -> _Part:
    return _Part(text, "", whole=True)


class _Tree:
    """Entries by their folders, and which of them were reached."""

    def __init__(self, entries: Sequence[ContextEntry]) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self._below: dict[str, list[str]] = {}
        for entry in entries:
            folder, _, name = entry.path.rpartition("/")
            self._below.setdefault(folder, []).append(name)
        self._whole: set[str] = set()
        self._single: set[str] = set()
        self._seen: set[tuple[str, tuple[_Part, ...]]] = set()

    def has(self, path: str) -> bool:
        """Return whether an entry is at, above or below what was reached."""
        if path in self._single or "" in self._whole:
            return True
        while path:
            if path in self._whole:
                return True
            path = path.rpartition("/")[0]
        return False

    def follow(self, folder: str, parts: tuple[_Part, ...], links: int) -> None:
        """Keep what ``parts`` lead to from a folder."""
        waiting = [(folder, parts, links)]
        while waiting:
            folder, parts, links = waiting.pop()
            if not parts:
                self._whole.add(folder)
            elif (folder, parts) not in self._seen:
                self._seen.add((folder, parts))
                if len(self._seen) > _MAX_STEPS:
                    raise _TooManyStepsError
                waiting += self._steps(folder, parts[0], parts[1:], links)

    def _steps(
        self, folder: str, first: _Part, rest: tuple[_Part, ...], links: int
    ) -> Iterator[tuple[str, tuple[_Part, ...], int]]:
        for name in self._below.get(folder, ()):
            if first.matches(name):
                path = f"{folder}/{name}" if folder else name
                self._single.add(path)
                entry = self._entries[path]
                if entry.kind is not EntryKind.LINK:
                    yield path, rest, links
                elif links:
                    target = posixpath.join("/", folder, entry.target or "")
                    yield "", (*map(_name, _names(target)), *rest), links - 1
