"""The files of one sandbox, however they are kept."""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tests.daytona_server.errors import timestamp

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder; ``mode`` also says which."""

    path: str
    mode: int
    uid: int
    gid: int
    size: int
    modified: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    def document(self) -> dict[str, Any]:
        """Return its JSON."""
        modified = timestamp(datetime.fromtimestamp(self.modified, UTC))
        return {
            "name": PurePosixPath(self.path).name or "/",
            "path": self.path,
            "size": self.size,
            "mode": stat.filemode(self.mode),
            "modTime": modified,
            "modifiedAt": modified,
            "isDir": self.is_folder,
            "owner": str(self.uid),
            "group": str(self.gid),
            "permissions": f"{stat.S_IMODE(self.mode) & 0o777:04o}",
        }


class FileStore(ABC):
    """What the routes ask for; a ``FileError`` says why not."""

    @abstractmethod
    async def info(self, path: str) -> Entry:
        """Return what the path names; follow links."""

    @abstractmethod
    async def listing(self, path: str, depth: int) -> list[Entry]:
        """Return what is in a folder, down to a depth."""

    @abstractmethod
    async def read(
        self, path: str, start: int = 0, length: int | None = None
    ) -> tuple[Entry, AsyncIterator[bytes]]:
        """Return a file and its content, or a part of it; at most what it is when opened."""

    @abstractmethod
    async def write(self, path: str, content: AsyncIterable[bytes], *, replace: bool) -> int:
        """Write a file and the folders on its way; gives its size.

        With ``replace`` another file takes the place of one that is there, mode and all.
        """

    @abstractmethod
    async def make_folder(self, path: str, mode: int) -> None:
        """Make a folder and those on its way."""

    @abstractmethod
    async def delete(self, path: str, recursive: bool) -> None:
        """Delete a file, or a folder with all that is in it."""

    @abstractmethod
    async def move(self, source: str, destination: str) -> None:
        """Give a file or folder another path."""

    @abstractmethod
    async def set_mode(self, path: str, mode: int) -> None:
        """Set who may do what with it."""

    @abstractmethod
    async def folders(self) -> tuple[str, str]:
        """Return the user's home, and where relative paths begin."""


def file_store(world: World, sandbox: SandboxRecord) -> FileStore:
    """Return the files of a sandbox that is started."""
    if world.engine is None:
        from tests.daytona_server.host_files import HostFiles

        return HostFiles(world.places.of(sandbox))
    from tests.daytona_server.engine_files import EngineFiles

    return EngineFiles(world, sandbox)
