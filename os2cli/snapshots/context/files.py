"""The files of a build context, and the kind of each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.snapshots.context.dockerignore import Dockerignore
from os2cli.snapshots.context.entries import (
    ContextEntry,
    EntryKind,
    decode,
    displayed,
    encode,
    on_disk,
)
from os2cli.snapshots.context.git import Listing, in_checkout, is_ignored, list_checkout

_SPECIAL = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a fifo",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def find_entries(
    root: Path,
    ignored: Dockerignore,
    always: str | None = None,
    outside: Dockerignore | None = None,
) -> tuple[tuple[ContextEntry, ...], tuple[str, ...], int]:
    """Return the sorted entries of the context, notes for people, and the number of ignored files.

    ``always`` is kept even if git or the ignore file exclude it. ``outside`` are the rules
    instead of ``ignored`` where git lists nothing. Every directory above an entry is
    also an entry: engines choose different modes for directories that a tar leaves out.
    """
    listing = list_checkout(root) if in_checkout(root) else None
    if listing is None or (not listing.files and is_ignored(root)):
        ignored = outside or ignored
        listing = walk(root, ignored)
    else:
        # Git knows no directories; Docker sends those whose files are all ignored.
        above = _folders_above(listing.files) - {""}
        listing.folders |= {folder for folder in above if not ignored.excludes(folder)}
    paths = {path for path in listing.files if not ignored.excludes(path)}
    paths |= {always} if always else set()
    folders = _folders_above(paths | listing.folders) | listing.folders
    real = _real_folders(root, folders)
    entries = [
        ContextEntry(
            path,
            EntryKind.FOLDER,
            0o755,
            modified_ns=found.st_mtime_ns,
            permissions=stat.S_IMODE(found.st_mode),
        )
        for path, found in real.items()
        if found is not None
    ]
    for path in paths:
        if path.rpartition("/")[0] in real:
            entry = _describe(root, path, listing.notes)
            entries += [entry] if entry else []
    left_out = listing.skipped + len(listing.files - paths)
    return _needed(entries, listing.folders), tuple(sorted(listing.notes)), left_out


def walk(root: Path, ignored: Dockerignore) -> Listing:
    """List everything below a directory outside of any checkout, except ``.git``.

    Directories that are ignored as a whole are not entered, so they need not be readable.
    """
    listing = Listing()
    pending = [""]
    while pending:
        folder = pending.pop()
        for found in _scan(root, folder):
            path = f"{folder}/{decode(found.name)}" if folder else decode(found.name)
            if found.name == b".git":
                continue
            if not found.is_dir(follow_symlinks=False):
                listing.files.add(path)
            elif ignored.prunes(path):
                listing.skipped += 1
            else:
                pending.append(path)
                if not ignored.excludes(path):
                    listing.folders.add(path)
    return listing


def _scan(root: Path, folder: str) -> list[os.DirEntry[bytes]]:
    try:
        with os.scandir(on_disk(root, folder)) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except PermissionError as error:
        raise UsageError(
            f"cannot read directory {displayed(folder) or root}: permission denied",
            hint="fix its permissions, or list it in .dockerignore so that it is not sent",
        ) from error
    except OSError as error:
        raise OperationFailed(
            f"cannot read directory {displayed(folder)}: {error.strerror}",
            hint="check the disk, or list the directory in .dockerignore",
        ) from error


def _folders_above(paths: Iterable[str]) -> set[str]:
    folders = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _real_folders(root: Path, folders: set[str]) -> dict[str, os.stat_result | None]:
    """Return those without a link above them: git still lists ``d/f`` after ``d`` became a link.

    The root has no status.
    """
    real: dict[str, os.stat_result | None] = {"": None}
    for folder in sorted(folders - {""}):
        if folder.rpartition("/")[0] in real:
            found = _lstat(root, folder)
            if found and stat.S_ISDIR(found.st_mode):
                real[folder] = found
    return real


def _describe(root: Path, path: str, notes: list[str]) -> ContextEntry | None:
    found = _lstat(root, path)
    if found is None or stat.S_ISDIR(found.st_mode):
        return None  # git lists a file that was deleted, or replaced by a folder
    if stat.S_ISREG(found.st_mode):
        mode = 0o755 if found.st_mode & stat.S_IXUSR else 0o644
        return ContextEntry(
            path,
            EntryKind.FILE,
            mode,
            found.st_size,
            modified_ns=found.st_mtime_ns,
            permissions=stat.S_IMODE(found.st_mode),
        )
    if stat.S_ISLNK(found.st_mode):
        target = decode(os.readlink(on_disk(root, path)))  # noqa: PTH115  bytes, not a Path
        return ContextEntry(
            path, EntryKind.LINK, 0o777, target=target, modified_ns=found.st_mtime_ns
        )
    kind = _SPECIAL.get(stat.S_IFMT(found.st_mode), "not a file")
    notes.append(f"{displayed(path)} is {kind}: not sent")
    return None


def _lstat(root: Path, path: str) -> os.stat_result | None:
    try:
        return os.lstat(on_disk(root, path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise UsageError(
            f"cannot read the directory of {displayed(path)}: permission denied",
            hint="fix its permissions, or list it in .dockerignore so that it is not sent",
        ) from error


def _needed(entries: list[ContextEntry], keep: set[str]) -> tuple[ContextEntry, ...]:
    """Return the entries sorted, without empty directories that are not in ``keep``."""
    files = {entry.path for entry in entries if entry.kind is not EntryKind.FOLDER}
    folders = _folders_above(files | keep) | keep
    return tuple(
        sorted(
            (entry for entry in entries if entry.path in files or entry.path in folders),
            key=lambda entry: encode(entry.path),
        )
    )
