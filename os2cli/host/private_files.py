"""Directories that only their owner can enter, under any umask."""

from __future__ import annotations

from pathlib import Path

PRIVATE_FOLDER = 0o700


def private_folder(path: Path) -> Path:
    """Return the directory; create it and its missing parents for this user only."""
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileNotFoundError:
        private_folder(path.parent)
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    except FileExistsError:
        if not path.is_dir():
            raise
    return path
