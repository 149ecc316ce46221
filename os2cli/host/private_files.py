"""Directories and files for their owner only, under any umask.

A file gets its content at once: it is written under another name, which has the writer's process
in it. The next write in that directory removes what killed processes left.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_FOLDER = 0o700
_OTHERS_WRITE = 0o022
_ABANDONED_SECONDS = 3600.0
_TEMPORARY = re.compile(r"\..+\.(\d+)-[0-9a-f]{16}")


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


@contextmanager
def unwritable_by_others() -> Iterator[None]:
    """Take the right to write from others in the block, for what must stay readable by them."""
    before = os.umask(_OTHERS_WRITE)
    os.umask(before | _OTHERS_WRITE)
    try:
        yield
    finally:
        os.umask(before)


def replace_file(path: Path, content: bytes) -> None:
    """Replace the file's content, or leave it unchanged and raise ``OSError``."""
    temporary = _write_temporary(path, content)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def create_file(path: Path, content: bytes) -> bool:
    """Create the file; return whether this call did, of several at once. Raises ``OSError``."""
    temporary = _write_temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def is_left(path: Path, pid: str, seconds: float) -> bool:
    """Return whether a file's process is gone, or the file older than these seconds."""
    with suppress(OSError):
        if time.time() - path.lstat().st_mtime > seconds:
            return True
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _write_temporary(path: Path, content: bytes) -> Path:
    _sweep(private_folder(path.parent))
    # Readers of a directory skip names with a leading dot.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sweep(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _TEMPORARY.fullmatch(entry.name)
            with suppress(OSError):
                if found and is_left(Path(entry.path), found[1], _ABANDONED_SECONDS):
                    Path(entry.path).unlink()
