"""The build context: an immutable list of entries, streamed and named on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.snapshots.context.archive import tar_stream
from os2cli.snapshots.context.dockerignore import read_dockerignore
from os2cli.snapshots.context.entries import (
    ContextEntry,
    changed,
    decode,
    displayed,
    read_pieces,
)
from os2cli.snapshots.context.files import find_entries
from os2cli.snapshots.context.history import History, read_history

MAX_DOCKERFILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The files sent to a builder, as they were at one moment.

    ``dockerfile`` is the value of the engine's ``dockerfile`` parameter. ``entries`` are sorted by
    the bytes of their paths. ``unkept`` has one sentence for each thing that cannot be sent:
    sockets, fifos, devices, submodules that are not checked out, other repositories; and after
    ``without_links`` for what a builder of files cannot keep. ``ignored`` is the number of files
    that the ignore file left out; a directory that was not entered counts once. ``hidden``: the
    ignore file excludes the Dockerfile, so instructions must not see it. ``history`` is that of the
    ``.git`` which ``with_clean_git`` adds.

    Reading contents (``stream``, ``digest``, ``dockerfile_text``) raises ``OperationFailed`` if a
    file changed, and ``UsageError`` if it cannot be read for lack of permission.
    """

    root: Path
    dockerfile: str
    entries: tuple[ContextEntry, ...]
    unkept: tuple[str, ...] = ()
    ignored: int = 0
    hidden: bool = False
    history: History | None = None

    @property
    def size_bytes(self) -> int:
        """The size of all contents, without the tar's headers."""
        return sum(entry.size for entry in self.entries)

    @property
    def dockerfile_text(self) -> str:
        """The Dockerfile, with invalid UTF-8 replaced."""
        entry = next((entry for entry in self.entries if entry.path == self.dockerfile), None)
        if entry is None:
            raise changed(self.dockerfile)
        if entry.size > MAX_DOCKERFILE_BYTES:
            raise UsageError(
                f"the Dockerfile {displayed(self.dockerfile)} is larger than 1 MB",
                hint="name another: --dockerfile PATH",
                code="dockerfile_invalid",
            )
        return b"".join(read_pieces(self.root, entry)).decode(errors="replace")

    def stream(self) -> Iterator[bytes]:
        """Yield an uncompressed canonical tar in chunks of 0.5 to 1 MiB; equal for equal trees.

        ``.dockerignore`` is already applied, because neither builder applies it to a tar.
        """
        return tar_stream(self.root, self.entries)

    def with_entry(self, entry: ContextEntry) -> BuildContext:
        """Return the context with this entry instead of the one of its path."""
        entries = (entry if each.path == entry.path else each for each in self.entries)
        return replace(self, entries=tuple(entries))

    @property
    def unusual_modes(self) -> dict[str, str]:
        """The permissions on disk, in octal, of the entries where they are not those of a tar."""
        return {
            entry.path.encode(errors="surrogateescape").hex(): f"{entry.permissions:o}"
            for entry in self.entries
            if entry.permissions not in (None, entry.mode)
        }

    def digest(self) -> str:
        """Return the hex SHA-256 of ``stream()``: of paths, kinds, modes, targets and contents.

        Of a ``.git`` it has the commit, the branch and the tags, which can be packed in many ways.
        Every file is read: times and inodes cannot show that two clones are equal.
        """
        digest = hashlib.sha256()
        for chunk in self.stream():
            digest.update(chunk)
        if self.history is not None:
            digest.update(self.history.identity)
        return digest.hexdigest()


def collect(root: Path, dockerfile: Path, *, with_git: bool = False) -> BuildContext:
    """Collect the files for a build in ``root``; their contents are read later.

    In a git checkout these are the tracked files and the untracked ones that git does not
    ignore, as they are in the work tree; elsewhere, and where git ignores ``root`` as a whole (as a
    virtual environment with os2 in it), it is the folder with its empty folders. Then
    ``<dockerfile>.dockerignore`` or ``.dockerignore`` is applied; it cannot bring back what git
    ignores. The Dockerfile itself is always an entry, because the builder needs it; where it is
    ignored, a tar cannot hide it from ``COPY`` as Docker does. An ignored ``.dockerignore`` is
    not sent.

    ``with_git`` reads what a clean ``.git`` of the checkout would have; see ``with_clean_git``.

    ``dockerfile`` is absolute or relative to ``root``; a link is resolved as Docker does.

    Raises:
        OperationFailed: a folder cannot be read.
        TimedOut: git takes longer than a minute.
        UsageError: ``root`` or ``dockerfile`` is not there or not inside, the ignore file is
            wrong, a folder may not be read, or git cannot read the repository.
    """
    folder = _resolved(root)
    if not folder.is_dir():
        raise UsageError(
            f"{root} is not a directory", hint="name the root of the repository to build from"
        )
    path = folder / dockerfile
    path = _resolved(path.parent) / path.name
    real = _resolved(path)
    if not real.is_file():
        raise UsageError(
            f"{dockerfile} is not a file", hint="name the Dockerfile by its path in the repository"
        )
    for location in (path, real):
        if not location.is_relative_to(folder):
            raise UsageError(
                f"the Dockerfile {dockerfile} is outside the build context {root}",
                hint="builders read only a Dockerfile inside the build context",
            )
    ignored = read_dockerignore(folder, _relative(path, folder))
    name = _relative(real, folder)
    entries, unkept, left_out = find_entries(folder, ignored, always=name)
    history = read_history(folder) if with_git else None
    return BuildContext(folder, name, entries, unkept, left_out, ignored.excludes(name), history)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{path} not found or not readable", hint="check its name and permissions"
        ) from error


def _relative(path: Path, root: Path) -> str:
    return decode(os.fsencode(path.relative_to(root).as_posix()))
