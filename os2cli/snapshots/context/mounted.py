"""The working tree that a machine gets a copy of: the files that git knows, and their list.

The machine has the list beside the files (``sandbox/entry/mount-files.ts`` reads it): records that
end in a zero byte, because a name may have any other. ``p`` is followed by a name, then comes ``f``
with mode, size and time of a file or ``l`` with a link's target; ``n`` is a note for people. A list
that begins with anything but ``FORM`` stands for files that are still being sent.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.snapshots.context.archive import tar_stream
from os2cli.snapshots.context.dockerignore import Dockerignore, parse_dockerignore
from os2cli.snapshots.context.entries import ContextEntry, EntryKind, displayed, encode, on_disk
from os2cli.snapshots.context.files import find_entries
from os2cli.snapshots.context.secrets import SuspiciousFile, listed, reason_of

FORM = b"os2-files 1"
# Built for this host's system, where it may differ from the machine's.
_DEPENDENCIES = b"**/node_modules\n"


@dataclass(frozen=True, slots=True)
class MountedTree:
    """The files and links of a tree; ``notes`` explain in sentences what is not among them."""

    root: Path
    entries: tuple[ContextEntry, ...]
    notes: tuple[str, ...] = ()

    def listing(self, sent: MountedTree | None = None, known: bytes = b"") -> bytes:
        """Return the list for a machine that has the files of ``known`` and is sent ``sent``.

        By default all is sent. A file that is not sent stays in the machine as it was.
        """
        sent = sent or self
        names, earlier = {entry.path for entry in sent.entries}, versions(known)
        records = [FORM, *(b"n" + encode(note).replace(b"\0", b"") for note in sent.notes)]
        for entry in self.entries:
            if entry.kind is EntryKind.FOLDER:
                continue
            name = encode(entry.path)
            version = _version(entry) if entry.path in names else earlier.get(name)
            records += [b"p" + name, version] if version else []
        return _joined(records)

    def changed_since(self, listing: bytes) -> MountedTree:
        """Return what differs from an earlier list, with all directories."""
        known = versions(listing)
        return replace(
            self,
            entries=tuple(
                entry
                for entry in self.entries
                if entry.kind is EntryKind.FOLDER
                or known.get(encode(entry.path)) != _version(entry)
            ),
        )

    def without_secrets(self) -> MountedTree:
        """Return the tree without the files that look like secrets, and a note for each."""
        found = {file.path: file.reason for file in suspicious_in(self)}
        entries = tuple(entry for entry in self.entries if entry.path not in found)
        notes = tuple(
            f"{displayed(path)} looks like {reason}: not sent" for path, reason in found.items()
        )
        return replace(self, entries=entries, notes=(*self.notes, *notes))

    def readable(self) -> MountedTree:
        """Return the tree without the files that this user may not read, and a note for each."""
        denied = {
            entry.path
            for entry in self.entries
            if entry.kind is EntryKind.FILE and not _may_read(self.root, entry)
        }
        entries = tuple(entry for entry in self.entries if entry.path not in denied)
        notes = tuple(f"{displayed(path)} may not be read: not sent" for path in sorted(denied))
        return replace(self, entries=entries, notes=(*self.notes, *notes))

    @property
    def size_bytes(self) -> int:
        """The size of all contents."""
        return sum(entry.size for entry in self.entries)

    def stream(self) -> Iterator[bytes]:
        """Yield the files as a tar; raises as reading a build context does.

        An engine refuses a tar with a link out of it. The machine makes links of the list.
        """
        return tar_stream(self.root, (each for each in self.entries if not _leads_out(each)))


def collect_mounted(root: Path) -> MountedTree:
    """Collect the files of a working tree as a build does, without its ``.dockerignore``.

    Outside of a checkout these are all files but dependencies.

    Raises:
        OperationFailed: a directory cannot be read.
        TimedOut: git takes longer than a minute.
        UsageError: ``root`` is not a directory, one may not be read, or git cannot read the
            repository.
    """
    if not root.is_dir():
        raise UsageError(
            f"--mount-repo: {root} is not a directory", hint="change to a working tree that exists"
        )
    ignored = Dockerignore()
    outside = parse_dockerignore("the list of dependencies", _DEPENDENCIES)
    entries, notes, _ = find_entries(root, ignored, outside=outside)
    return MountedTree(root, entries, notes)


def refuse_mounted_secrets(tree: MountedTree) -> None:
    """Raise if files look like secrets, before a machine gets them.

    Raises:
        UsageError: ``secrets_in_mount``; ``details`` lists the files, never what is in them.
    """
    found = list(suspicious_in(tree))
    if found:
        raise UsageError(
            f"--mount-repo: {tree.root} has files that look like secrets: {listed(found)}",
            hint="let git ignore them, or pass --allow-secrets if the machine may read them",
            code="secrets_in_mount",
            details={"files": [file.path for file in found]},
        )


def suspicious_in(tree: MountedTree) -> Iterator[SuspiciousFile]:
    """Yield the files that look like secrets; raises as reading a build context does."""
    for entry in tree.entries:
        if entry.kind is EntryKind.FILE and (reason := reason_of(tree.root, entry)):
            yield SuspiciousFile(entry.path, reason)


def versions(listing: bytes) -> dict[bytes, bytes]:
    """Return the version of each name in a list; none of one that is unfinished or damaged."""
    form, *records = listing.split(b"\0")
    if form != FORM:
        return {}
    pairs = [record for record in records if record[:1] in (b"p", b"f", b"l")]
    return {
        name[1:]: version
        for name, version in zip(pairs[::2], pairs[1::2], strict=False)
        if name[:1] == b"p"
    }


def unfinished(reason: str = "") -> bytes:
    """Return the list of files that are being sent, or cannot be for a reason."""
    return _joined(
        [b"unfinished", *([b"n" + encode(reason).replace(b"\0", b"")] if reason else [])]
    )


def _joined(records: Iterable[bytes]) -> bytes:
    return b"".join(record + b"\0" for record in records)


def _leads_out(entry: ContextEntry) -> bool:
    target = posixpath.join(posixpath.dirname(entry.path), entry.target or "")
    return entry.kind is EntryKind.LINK and posixpath.normpath(target).split("/")[0] == ".."


def _may_read(root: Path, entry: ContextEntry) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(on_disk(root, entry.origin), os.R_OK, effective_ids=effective)


def _version(entry: ContextEntry) -> bytes:
    if entry.kind is EntryKind.LINK:
        return b"l" + encode(entry.target or "")
    mode = (entry.mode if entry.permissions is None else entry.permissions) & 0o777
    return b"f%o %d %d" % (mode, entry.size, entry.modified_ns)
