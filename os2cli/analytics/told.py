"""What a project has been told of somebody, so that it is told once for each change.

Each is an empty file whose name says what was told. Making it is the claim to tell it: of commands
that run at once one succeeds, and nobody waits for anybody.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from os2cli.analytics import state_files


def claim(folder: Path, about: str, words: str) -> bool:
    """Whether this is news about something, and to be told by whoever asks."""
    digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    catalogs = state_files.private_folder(folder / "told")
    mark = catalogs / f"{about}.{digest}"
    if mark.exists():
        return False
    try:
        mark.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    for other in catalogs.glob(f"{about}.*"):
        if other != mark:
            other.unlink(missing_ok=True)
    return True


def forget(folder: Path) -> None:
    """Let everything be news again."""
    for mark in (folder / "told").glob("*"):
        mark.unlink(missing_ok=True)
