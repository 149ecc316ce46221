"""What goes wrong with files, as the toolbox says it."""

from __future__ import annotations

from tests.daytona_server.errors import ApiError

_CODES = {404: "FILE_NOT_FOUND", 403: "FILE_ACCESS_DENIED"}


class FileError(ApiError):
    """An answer about a file that can't be read or written."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.code = _CODES.get(status)


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
