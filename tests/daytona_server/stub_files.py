"""The files of a sandbox without a container: a dictionary."""

from __future__ import annotations

import stat
import time
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING

from tests.daytona_server.file_errors import FileError, no_such_file
from tests.daytona_server.file_store import Entry, FileStore

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord

HOME = "/home/daytona"
OWNER = 1000
CHUNK = 1024 * 1024


@dataclass(slots=True)
class StubFile:
    """A file, or a folder when ``data`` is None."""

    data: bytes | None
    mode: int = 0o644
    modified: int = field(default_factory=lambda: int(time.time()))


class StubFiles(FileStore):
    """The files of one sandbox; a folder also exists if something is in it."""

    def __init__(self, sandbox: SandboxRecord) -> None:
        self._files = sandbox.files

    def _find(self, path: str) -> tuple[str, StubFile]:
        where = _absolute(path)
        found = self._files.get(where)
        if found is not None:
            return where, found
        if where in ("/", "/tmp", HOME) or self._inside(where):
            return where, StubFile(None, 0o755)
        raise no_such_file(path)

    def _inside(self, where: str) -> list[str]:
        return [known for known in sorted(self._files) if known.startswith(where.rstrip("/") + "/")]

    def _entry(self, where: str, found: StubFile) -> Entry:
        kind = stat.S_IFDIR if found.data is None else stat.S_IFREG
        return Entry(
            where, kind | found.mode, OWNER, OWNER, len(found.data or b""), found.modified
        )  # fmt: skip

    async def info(self, path: str) -> Entry:
        return self._entry(*self._find(path))

    async def listing(self, path: str, depth: int) -> list[Entry]:
        where, found = self._find(path)
        if found.data is not None:
            raise FileError(400, f"{path}: not a directory")
        level = len(PurePosixPath(where).parts)
        below = {
            str(PurePosixPath(*PurePosixPath(known).parts[:end]))
            for known in self._inside(where)
            for end in range(level + 1, min(level + depth, len(PurePosixPath(known).parts)) + 1)
        }
        return [self._entry(*self._find(known)) for known in sorted(below)]

    async def read(self, path: str) -> tuple[Entry, AsyncIterator[bytes]]:
        where, found = self._find(path)
        data = found.data
        if data is None:
            raise FileError(400, "path must be a file")

        async def content() -> AsyncIterator[bytes]:
            for start in range(0, len(data), CHUNK):
                yield data[start : start + CHUNK]

        return self._entry(where, found), content()

    async def write(self, path: str, content: AsyncIterable[bytes], *, replace: bool) -> int:
        where = _absolute(path)
        before = self._files.get(where)
        if (before is not None and before.data is None) or self._inside(where):
            raise FileError(400, f"{path}: is a directory")
        for parent in map(str, PurePosixPath(where).parents):
            if (above := self._files.get(parent)) is not None and above.data is not None:
                raise FileError(400, f"{path}: not a directory")
        data = b"".join([part async for part in content])
        mode = 0o644 if replace or before is None else before.mode
        self._files[where] = StubFile(data, mode)
        return len(data)

    async def make_folder(self, path: str, mode: int) -> None:
        where = _absolute(path)
        if where in self._files and self._files[where].data is not None:
            raise FileError(400, f"{path}: file exists")
        self._files[where] = StubFile(None, mode)

    async def delete(self, path: str, recursive: bool) -> None:
        where, found = self._find(path)
        if found.data is None and not recursive:
            raise FileError(400, "cannot delete directory without recursive flag")
        for known in [where, *self._inside(where)]:
            self._files.pop(known, None)

    async def move(self, source: str, destination: str) -> None:
        where, _ = self._find(source)
        there = _absolute(destination)
        for known in [where, *self._inside(where)]:
            if known in self._files:
                self._files[there + known[len(where) :]] = self._files.pop(known)

    async def set_mode(self, path: str, mode: int) -> None:
        where, found = self._find(path)
        self._files[where] = found
        found.mode = mode

    async def folders(self) -> tuple[str, str]:
        return HOME, HOME


def _absolute(path: str) -> str:
    """Return the absolute path; a relative one begins at home."""
    return "/" + normpath(PurePosixPath(HOME, path)).strip("/")
