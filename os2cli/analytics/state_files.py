"""Small private files that several processes read and write at once."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import uuid4

from os2cli.host.private_files import private_folder

MAX_BYTES = 64 * 1024


def temporary_name(path: Path) -> Path:
    """Return the path to write the next content to; readers skip names with a leading dot."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def write(path: Path, text: str) -> None:
    """Replace the file's content, or leave it unchanged and raise ``OSError``."""
    temporary = _write_temporary(path, text)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_if_absent(path: Path, text: str) -> bool:
    """Create the file; return whether this call did, of several at once."""
    temporary = _write_temporary(path, text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _write_temporary(path: Path, text: str) -> Path:
    private_folder(path.parent)
    temporary = temporary_name(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


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
