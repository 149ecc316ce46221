"""What goes wrong with files: the toolbox answers with a status and no more."""

from __future__ import annotations

from tests.daytona_server.toolbox_errors import BareError


class FileError(BareError):
    """An answer about a file that can't be read or written; its message is for lists of them."""


def no_such_file(path: str) -> FileError:
    """404: nothing is there."""
    return FileError(404, f"{path}: no such file or directory")


def explained(path: str, said: str) -> FileError:
    """Return the response for a command's error message about a path."""
    text = said.lower()
    if "no such file" in text or "nonexistent" in text:
        return no_such_file(path)
    if "permission denied" in text or "not permitted" in text:
        return FileError(403, f"{path}: permission denied")
    return FileError(400, f"{path}: {said.strip() or 'the operation failed'}")
