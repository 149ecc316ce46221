"""Small files that several processes read and write at once, for this user alone."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

MAX_BYTES = 64 * 1024


def private_folder(path: Path) -> Path:
    """The folder, made when it is missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def temporary_name(path: Path) -> Path:
    """Where its next content is written; no reader takes a name that begins with a dot."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def write(path: Path, text: str) -> None:
    """Put the whole text there, or leave what was there."""
    temporary = _written_aside(path, text)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_if_absent(path: Path, text: str) -> bool:
    """Put the text there unless something is; of several at once, one is told True."""
    temporary = _written_aside(path, text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _written_aside(path: Path, text: str) -> Path:
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


def read(path: Path, largest: int = MAX_BYTES) -> str | None:
    """What stands there; None when that is nothing, too much or no text."""
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError:
        return None
    try:
        return data.decode() if len(data) <= largest else None
    except UnicodeDecodeError:
        return None
