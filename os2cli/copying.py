"""Use case: files into a machine and out of it, as ``cp -r`` would copy them."""

from __future__ import annotations

import io
import os
import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from os2cli.errors import NotFound, OperationFailed, Os2Error, UsageError
from os2cli.fleet import Place
from os2cli.models import Command, Streams
from os2cli.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Spot:
    """A path in a machine, or one on this host when ``machine`` is None."""

    machine: str | None
    path: str

    @classmethod
    def parse(cls, text: str) -> Spot:
        """Read ``NAME:PATH``; what has a slash before its colon is a path on this host."""
        name, colon, path = text.partition(":")
        if not colon or "/" in name or not name:
            return cls(None, text)
        return cls(name, path or ".")


def check_pair(source: Spot, target: Spot) -> str:
    """The machine that is meant; raises ``UsageError`` unless exactly one side names one."""
    if (source.machine is None) != (target.machine is None):
        return cast("str", source.machine or target.machine)
    both = source.machine is not None
    raise UsageError(
        "both sides are in machines" if both else "neither side is in a machine",
        hint="copy by way of this host"
        if both
        else "name it: os2 machine cp FILE NAME:PATH, or NAME:PATH FILE",
        code="copy_sides",
    )


def copy_in(place: Place, source: Path, target: str, progress: Progress = SILENT) -> int:
    """Copy a file or a folder into a machine; returns the bytes that were sent.

    A target that is a folder gets it under its own name, else it is the new name.

    Raises:
        NotFound: the source, or the folder around the target, does not exist.
    """
    if not os.path.lexists(source):
        raise NotFound(
            f"{source} does not exist", hint="name a file of this host", code="path_not_found"
        )
    folder, name = _split_target(place, source, target)
    with tempfile.TemporaryFile() as file, progress.phase("copy"):
        progress.status(f"packing {source}")
        _pack(source, name, file)
        size = file.tell()
        file.seek(0)
        reader = _Counted(file, lambda done: progress.transfer("sent", done, size))
        place.provider.send(place.machine.name, cast("BinaryIO", reader), folder)
    return size


def copy_out(place: Place, source: str, target: Path, progress: Progress = SILENT) -> int:
    """Copy a file or a folder out of a machine; returns the bytes that came.

    Nothing is left of it when it fails.

    Raises:
        NotFound: it does not exist in the machine, or the folder around the target does not here.
    """
    name = posixpath.basename(posixpath.normpath(source))
    goal = target / name if target.is_dir() else target
    if not goal.parent.is_dir():
        raise NotFound(
            f"{goal.parent} does not exist", hint=f"make it: mkdir -p {goal.parent}",
            code="path_not_found",
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix=".os2-", dir=goal.parent) as folder:
        came = 0

        def count(done: int) -> None:
            nonlocal came
            came = done
            progress.status(f"received {done:,} bytes")

        with progress.phase("copy"):
            pieces = place.provider.fetch(place.machine.name, source)
            _unpack(_Pieces(pieces, count), Path(folder))
        (found,) = Path(folder).iterdir()
        _put(found, goal)
    return came


def _split_target(place: Place, source: Path, target: str) -> tuple[str, str]:
    """The folder to unpack in and the name to unpack under."""
    own_name = source.resolve().name
    if target.endswith("/") or is_folder(place, target):
        return target, own_name
    folder, name = posixpath.split(target)
    return folder or ".", name or own_name


def is_folder(place: Place, path: str) -> bool:
    """Whether there is a folder of that path in the machine."""
    nowhere = Streams(io.BytesIO(), io.BytesIO())
    return place.provider.execute(place.machine.name, Command(("test", "-d", path)), nowhere) == 0


def _pack(source: Path, name: str, file: BinaryIO) -> None:
    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    try:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(source, arcname=name, filter=anonymous)
    except OSError as error:
        raise _unreadable(error, source) from error


def _unpack(pieces: _Pieces, folder: Path) -> None:
    try:
        with tarfile.open(fileobj=cast("BinaryIO", pieces), mode="r|") as archive:
            # Whatever a machine sends stays below the folder, and makes no devices.
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        # What the machine's own tar says tells more than how its output ends.
        pieces.exhaust()
        raise _unusable(error) from error
    pieces.exhaust()


def _put(found: Path, goal: Path) -> None:
    """Move it to its place; a folder that is there already gets the new files added."""
    try:
        if found.is_dir() and not found.is_symlink() and goal.is_dir():
            shutil.copytree(found, goal, symlinks=True, dirs_exist_ok=True)
        else:
            found.replace(goal)
    except OSError as error:
        raise _unreadable(error, goal) from error


def _unreadable(error: OSError, path: Path) -> Os2Error:
    return OperationFailed(
        f"{error.filename or path} can't be copied: {error.strerror or error}",
        hint="look at its permissions and at the room that is left",
        code="copy_failed",
    )


def _unusable(error: Exception) -> Os2Error:
    return OperationFailed(
        f"what the machine sent can't be unpacked: {error}",
        hint="copy fewer files at once, or pack them there: os2 machine exec NAME -- tar …",
        code="copy_failed",
    )


class _Counted:
    """A file whose reader tells how far it is; it has all that uploads ask a file for."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._told = tell

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        self._told(self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()


class _Pieces:
    """The file that pieces come to."""

    def __init__(self, pieces: Iterator[bytes], tell: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._tell = tell
        self._rest = b""
        self._came = 0

    def read(self, count: int) -> bytes:
        while len(self._rest) < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._came += len(piece)
            self._tell(self._came)
            self._rest += piece
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def exhaust(self) -> None:
        """Let the sender come to its end, which may be a failure."""
        for _ in self._pieces:
            continue
