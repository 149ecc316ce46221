"""Files that look like secrets in a working tree that a machine is shown as it is.

A mount has no ignore files: what git ignores (``.env``) and git's own settings, with the tokens of
remotes, are in it. Dependencies and git's objects are not searched: they are large, and of others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from os2cli.core.errors import Os2Error, UsageError
from os2cli.snapshots.context.entries import ContextEntry, EntryKind, decode, on_disk
from os2cli.snapshots.context.secrets import SuspiciousFile, listed, reason_of

_NOT_SEARCHED = frozenset({b"node_modules", b".venv", b"venv", b"__pycache__", b".tox", b".nox"})
_GIT = b".git"
_MAX_BYTES = 4_000_000


def refuse_mounted_secrets(root: Path) -> None:
    """Raise if a directory has files that look like secrets, before a machine is shown it.

    Raises:
        UsageError: ``secrets_in_mount``; ``details`` lists the files, never what is in them.
    """
    found = list(_suspicious(root))
    if found:
        raise UsageError(
            f"--mount-repo: {root} has files that look like secrets: {listed(found)}",
            hint="move them elsewhere, or pass --allow-secrets if the machine may read them",
            code="secrets_in_mount",
            details={"files": [file.path for file in found]},
        )


def _suspicious(root: Path) -> Iterator[SuspiciousFile]:
    for entry in sorted(_files(root), key=lambda entry: entry.path):
        try:
            reason = reason_of(root, entry, _MAX_BYTES)
        except Os2Error:
            # Programs may write to a working tree at any time, and not all of it need be readable.
            continue
        if reason:
            yield SuspiciousFile(entry.path, reason)


def _files(root: Path) -> Iterator[ContextEntry]:
    pending = [""]
    while pending:
        folder = pending.pop()
        for name, found in _scan(root, folder):
            path = f"{folder}/{decode(name)}" if folder else decode(name)
            if stat.S_ISDIR(found.st_mode):
                if name == _GIT:
                    yield from _git_settings(root, path)
                elif name not in _NOT_SEARCHED:
                    pending.append(path)
            elif stat.S_ISREG(found.st_mode):
                yield _entry(path, found)


def _git_settings(root: Path, git: str) -> Iterator[ContextEntry]:
    """Yield the settings of a repository and of its submodules, and logins beside them."""
    pending = [git]
    while pending:
        folder = pending.pop()
        for name, found in _scan(root, folder):
            path = f"{folder}/{decode(name)}"
            if stat.S_ISREG(found.st_mode) and name.startswith((b"config", b"credentials")):
                yield _entry(path, found)
            elif stat.S_ISDIR(found.st_mode) and (name == b"modules" or folder != git):
                pending += [path] if name not in (b"objects", b"logs", b"refs", b"hooks") else []


def _scan(root: Path, folder: str) -> Iterator[tuple[bytes, os.stat_result]]:
    try:
        with os.scandir(on_disk(root, folder)) as found:
            for each in found:
                yield each.name, each.stat(follow_symlinks=False)
    except OSError:
        return


def _entry(path: str, found: os.stat_result) -> ContextEntry:
    return ContextEntry(path, EntryKind.FILE, 0o644, found.st_size, modified_ns=found.st_mtime_ns)
