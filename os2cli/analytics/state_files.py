"""Small private files that several processes read and write at once."""

from __future__ import annotations

import stat
from pathlib import Path

from os2cli.core.small_files import read_small
from os2cli.host.private_files import create_file, replace_file

MAX_BYTES = 64 * 1024


def write(path: Path, text: str) -> None:
    """Replace the file's content, or leave it unchanged and raise ``OSError``."""
    replace_file(path, text.encode())


def write_if_absent(path: Path, text: str) -> bool:
    """Create the file; return whether this call did, of several at once."""
    return create_file(path, text.encode())


def read(path: Path, max_bytes: int = MAX_BYTES) -> str | None:
    """Return the text of a file; None if it is missing, no file, too large or not UTF-8."""
    try:
        return read_small(path, max_bytes).decode()
    except (OSError, ValueError):
        return None


def is_missing(path: Path) -> bool:
    """Return whether the file was never written, as far as can be known.

    What is there instead, or instead of its directories, may have replaced it.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return path.parent == path or _is_plain(path.parent) or is_missing(path.parent)
    except (OSError, ValueError):
        return False
    return False


def _is_plain(folder: Path) -> bool:
    """Return whether this is a directory, or a link to one."""
    try:
        return stat.S_ISDIR(folder.stat().st_mode)
    except (OSError, ValueError):
        return False
