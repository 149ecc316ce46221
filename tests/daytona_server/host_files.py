"""The files of a sandbox without a container: those of this host, seen from its home."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.daytona_server.file_errors import FileError, no_such_file
from tests.daytona_server.file_store import Entry, FileStore

if TYPE_CHECKING:
    from tests.daytona_server.places import Place

CHUNK = 256 * 1024


class HostFiles(FileStore):
    """Those that one sandbox sees."""

    def __init__(self, place: Place) -> None:
        self._home = place.home

    def _path(self, path: str) -> Path:
        """Return the absolute path; a relative one begins at home."""
        return self._home / path

    async def info(self, path: str) -> Entry:
        with _explained(path):
            return _entry(self._path(path), follow=True)

    async def listing(self, path: str, depth: int) -> list[Entry]:
        with _explained(path):
            return sorted(
                (_entry(found, follow=False) for found in _below(self._path(path), depth)),
                key=lambda entry: entry.path,
            )

    async def read(
        self, path: str, start: int = 0, length: int | None = None
    ) -> tuple[Entry, AsyncIterator[bytes]]:
        with _explained(path):
            entry = _entry(self._path(path), follow=True)
            if entry.is_folder:
                raise FileError(400, "path must be a file")
            file = self._path(path).open("rb")
        left = entry.size - start if length is None else length

        async def content() -> AsyncIterator[bytes]:
            nonlocal left
            with file:
                file.seek(start)
                while left > 0 and (data := file.read(min(CHUNK, left))):
                    left -= len(data)
                    yield data

        return entry, content()

    async def write(self, path: str, content: AsyncIterable[bytes], *, replace: bool) -> int:
        target = self._path(path)
        with _explained(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            if not replace:
                return await _copy(content, target)
            descriptor, made = tempfile.mkstemp(dir=target.parent, prefix=".daytona-upload-")
            os.close(descriptor)
            try:
                size = await _copy(content, Path(made))
                Path(made).chmod(0o644)
                Path(made).replace(target.resolve())
            finally:
                Path(made).unlink(missing_ok=True)
            return size

    async def make_folder(self, path: str, mode: int) -> None:
        with _explained(path):
            self._path(path).mkdir(parents=True, exist_ok=True)
            self._path(path).chmod(mode)

    async def delete(self, path: str, recursive: bool) -> None:
        target = self._path(path)
        with _explained(path):
            if not target.is_dir() or target.is_symlink():
                target.unlink()
            elif recursive:
                shutil.rmtree(target)
            else:
                raise FileError(400, "cannot delete directory without recursive flag")

    async def move(self, source: str, destination: str) -> None:
        with _explained(source):
            self._path(source).rename(self._path(destination))

    async def set_mode(self, path: str, mode: int) -> None:
        with _explained(path):
            self._path(path).chmod(mode)

    async def folders(self) -> tuple[str, str]:
        return str(self._home), str(self._home)


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise no_such_file(path) from None
    except FileExistsError:
        # In the way of a folder.
        raise FileError(400, f"{path}: not a directory") from None
    except PermissionError:
        raise FileError(403, f"{path}: permission denied") from None
    except OSError as error:
        raise FileError(400, f"{path}: {(error.strerror or str(error)).lower()}") from None


def _entry(path: Path, *, follow: bool) -> Entry:
    found = path.stat(follow_symlinks=follow)
    return Entry(
        str(path), found.st_mode, found.st_uid, found.st_gid, found.st_size, int(found.st_mtime)
    )


def _below(folder: Path, depth: int) -> Iterator[Path]:
    for found in folder.iterdir():
        yield found
        if depth > 1 and found.is_dir() and not found.is_symlink():
            yield from _below(found, depth - 1)


async def _copy(content: AsyncIterable[bytes], target: Path) -> int:
    size = 0
    with target.open("wb") as file:
        async for data in content:
            size += file.write(data)
    return size
