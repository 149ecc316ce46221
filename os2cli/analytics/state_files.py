"""Small private files that several processes read and write at once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

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
        # Opening a pipe would wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(max_bytes + 1)
    except (OSError, ValueError):
        return None
    try:
        return data.decode() if len(data) <= max_bytes else None
    except UnicodeDecodeError:
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
