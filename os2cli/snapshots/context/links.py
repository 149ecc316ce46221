"""A context of files only, for a builder that keeps nothing else.

Daytona's remote builder reads name, mode and content of a tar's members: a link would arrive as an
empty file, and an empty directory not at all. Here links become copies of their targets, with a
note for what cannot be kept. Only the entries are used; the disk is not read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from os2cli.core.errors import OperationFailed
from os2cli.snapshots.context.context import BuildContext
from os2cli.snapshots.context.entries import ContextEntry, EntryKind, displayed, encode

# Only copies below links count: directories of links to directories of links multiply.
MAX_COPIES = 200_000

# As many as Linux follows on the way to one file.
_MAX_FOLLOWED = 40

_REASON = "Daytona's builder cannot keep it"


class _Lost(Enum):
    """Why a link is left out."""

    OUTSIDE = "leaves the build context"
    ABSENT = "leads to what is not in the build context"
    LOOP = f"leads back to itself or through more than {_MAX_FOLLOWED} links"
    ABOVE = "leads to a directory that it lies in"
    EMPTY = "leads to an empty directory"


@dataclass(frozen=True, slots=True)
class _Visit:
    """The directory ``real`` of the context, to be written as ``path``.

    ``through`` are the directories of the links followed to get here.
    """

    path: str
    real: str
    through: tuple[str, ...] = ()


def without_links(context: BuildContext) -> BuildContext:
    """Return the context with files only: each link replaced by copies of its target.

    A link may lead to its target through others. Left out, with a note in ``unkept``, are links
    that leave the root (absolute ones do), whose target is not in the context or is a directory
    above them; and empty directories.

    Raises:
        OperationFailed: the links stand for more than ``MAX_COPIES`` files and directories.
    """
    tree = _Tree(context.entries)
    entries = sorted(tree.flatten(), key=lambda entry: encode(entry.path))
    unkept = (*context.unkept, *sorted(tree.notes.values()))
    return replace(context, entries=tuple(entries), unkept=unkept)


class _Tree:
    """The entries as a file system of paths relative to the root, which is the empty path.

    ``notes`` explain what was left out, by its path in the context.
    """

    def __init__(self, entries: Iterable[ContextEntry]) -> None:
        self.notes: dict[str, str] = {}
        self._entries = {entry.path: entry for entry in entries}
        self._children: dict[str, list[str]] = {"": []}
        self._copies = 0
        self._add_paths()

    def _add_paths(self) -> None:
        """Fill ``_children``, also for directories without an entry of their own."""
        paths = set(self._entries)
        for path in self._entries:
            above = _parent(path)
            while above and above not in paths:
                paths.add(above)
                above = _parent(above)
        for path in sorted(paths):
            self._children.setdefault(_parent(path), []).append(path)
            entry = self._entries.get(path)
            if entry is None or entry.kind is EntryKind.FOLDER:
                self._children.setdefault(path, [])

    def flatten(self) -> list[ContextEntry]:
        """Return all files with the paths that they are sent under, in no particular order."""
        files = []
        pending = [_Visit("", "")]
        while pending:
            visit = pending.pop()
            for real in self._children[visit.real]:
                path = _join(visit.path, real.rpartition("/")[2])
                if visit.through:
                    self._count_copy(path)
                found = self._lead(real, path, visit)
                if found is None:
                    continue
                if found not in self._children:
                    files.append(self._file(found, path))
                elif found == real:
                    pending.append(_Visit(path, found, visit.through))
                else:
                    pending.append(_Visit(path, found, (*visit.through, visit.real)))
        return files

    def _file(self, found: str, path: str) -> ContextEntry:
        entry = self._entries[found]
        return entry if found == path else replace(entry, path=path, source=entry.origin)

    def _lead(self, real: str, path: str, visit: _Visit) -> str | None:
        """Return the file or directory that ``real`` is or leads to; add a note for None."""
        entry = self._entries.get(real)
        if entry is not None and entry.kind is EntryKind.LINK:
            found = self._followed(entry, visit)
            if isinstance(found, _Lost):
                self._note_link(entry, path, found)
                return None
            return found
        if self._children.get(real) == []:
            self.notes[real] = f"{displayed(real)} is an empty directory: {_REASON}"
            return None
        return real

    def _note_link(self, link: ContextEntry, path: str, lost: _Lost) -> None:
        # Its own path is best, but a loop through other links may appear in copies only.
        if link.path == path or link.path not in self.notes:
            target = displayed(link.target or "")
            self.notes[link.path] = (
                f"{displayed(path)} is a link that {lost.value} ({target}): {_REASON}"
            )

    def _followed(self, link: ContextEntry, visit: _Visit) -> str | _Lost:
        found = self._resolved(link)
        if isinstance(found, _Lost) or found not in self._children:
            return found
        if not self._children[found]:
            return _Lost.EMPTY
        if any(_is_within(place, found) for place in (visit.real, *visit.through)):
            return _Lost.ABOVE
        return found

    def _resolved(self, link: ContextEntry) -> str | _Lost:
        """Resolve a link to a path without links, step by step as the kernel does."""
        place, ahead, followed = _parent(link.path), _steps(link), 1
        while ahead:
            step = ahead.pop()
            if place not in self._children:
                return _Lost.ABSENT
            if step == "/" or (step == ".." and not place):
                return _Lost.OUTSIDE
            if step == "..":
                place = _parent(place)
            elif step not in ("", "."):
                place = _join(place, step)
                entry = self._entries.get(place)
                if entry is not None and entry.kind is EntryKind.LINK:
                    place, followed = _parent(place), followed + 1
                    ahead += _steps(entry)
                elif entry is None and place not in self._children:
                    return _Lost.ABSENT
            if followed > _MAX_FOLLOWED:
                return _Lost.LOOP
        return place

    def _count_copy(self, path: str) -> None:
        self._copies += 1
        if self._copies > MAX_COPIES:
            raise OperationFailed(
                f"the links of the build context stand for more than {MAX_COPIES:,} files"
                f" (at {displayed(path)})",
                hint="list links to directories in .dockerignore: Daytona's builder needs copies",
                code="too_many_links",
            )


def _steps(link: ContextEntry) -> list[str]:
    """Return the parts of a link's target, the first one last; an absolute target is one part."""
    target = link.target or ""
    return ["/"] if target.startswith("/") else target.split("/")[::-1]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_within(path: str, folder: str) -> bool:
    """Return whether ``path`` is ``folder`` or below it."""
    return not folder or path == folder or path.startswith(folder + "/")
