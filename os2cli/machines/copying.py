"""Use case: files into a machine and out of it, as ``cp -r`` would copy them."""

from __future__ import annotations

import errno
import io
import os
import posixpath
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from os2cli.core.errors import NotFound, OperationFailed, Os2Error, UsageError
from os2cli.core.models import Command, Streams
from os2cli.core.progress import SILENT, Progress
from os2cli.machines.fleet import LocatedMachine


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path in a machine, or one on this host when ``machine`` is None."""

    machine: str | None
    path: str

    @classmethod
    def parse(cls, text: str) -> RemotePath:
        """Read ``NAME:PATH``; what has a slash before its colon is a path on this host."""
        name, colon, path = text.partition(":")
        if not colon or "/" in name or not name:
            return cls(None, text)
        return cls(name, path or ".")


def check_pair(source: RemotePath, target: RemotePath) -> str:
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


def copy_in(
    place: LocatedMachine, source: str | Path, target: str, progress: Progress = SILENT
) -> int:
    """Copy a file or a folder into a machine; returns the bytes that were sent.

    A target that is a folder gets it under its own name, else it is the new name. Of a source that
    ends with ``.`` what is in it is copied.

    Raises:
        NotFound: the source, or the folder around the target, does not exist.
    """
    path = Path(source)
    if not os.path.lexists(path):
        raise NotFound(
            f"{source} does not exist", hint="name a file of this host", code="path_not_found"
        )
    folder, name = _split_target(place, own_name(str(source)), target)
    with tempfile.TemporaryFile() as file, progress.phase("copy"):
        progress.status(f"packing {source}")
        _pack(path, name, file)
        size = file.tell()
        file.seek(0)
        reader = _Counted(file, lambda done: progress.transfer("sent", done, size))
        place.provider.send(place.machine.name, cast("BinaryIO", reader), folder)
    return size


def copy_out(
    place: LocatedMachine, source: str, target: str | Path, progress: Progress = SILENT
) -> int:
    """Copy a file or a folder out of a machine; returns the bytes that came.

    Nothing is left of it when it fails.

    Raises:
        NotFound: it does not exist in the machine, or the folder around the target does not here.
    """
    name = own_name(source)
    goal = Path(target) / name if Path(target).is_dir() else Path(target)
    _check_goal(goal, str(target))
    # On the file system of its goal, where it only has to be renamed.
    around = goal if goal.is_dir() and not goal.is_symlink() else goal.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".os2-", dir=around) as folder:
            inner = Path(folder) / "new"
            inner.mkdir()
            came = _receive(place, source, inner, progress)
            found = inner if name == "." else _the_one(inner)
            _put(found, goal)
    except OSError as error:
        raise _unreadable(error, goal) from error
    return came


def own_name(path: str) -> str:
    """The last name of a path; ``.`` when it names no entry of a folder: what is in it is meant."""
    last = posixpath.basename(path.rstrip("/"))
    return "." if last in ("", ".", "..") else last


def _check_goal(goal: Path, said: str) -> None:
    # What ends with a slash has to be a folder that is there.
    missing = Path(said) if said.endswith("/") else goal.parent
    if not missing.is_dir():
        raise NotFound(
            f"{missing} does not exist", hint=f"make it: mkdir -p {missing}", code="path_not_found"
        )
    if goal.exists() and not (goal.is_file() or goal.is_dir()):
        raise UsageError(
            f"{goal} is neither a file nor a folder",
            hint="copy to a file, or print one: os2 machine exec NAME -- cat PATH",
            code="copy_target",
        )


def _receive(place: LocatedMachine, source: str, folder: Path, progress: Progress) -> int:
    came = 0

    def count(done: int) -> None:
        nonlocal came
        came = done
        progress.status(f"received {done:,} bytes")

    with progress.phase("copy"):
        pieces = place.provider.fetch(place.machine.name, source)
        _unpack(_Pieces(pieces, count), folder)
    return came


def _split_target(place: LocatedMachine, name: str, target: str) -> tuple[str, str]:
    """The folder to unpack in and the name to unpack under."""
    if target.endswith("/") or is_folder(place, target):
        return target, name
    folder, new_name = posixpath.split(target)
    return folder or ".", new_name or name


def is_folder(place: LocatedMachine, path: str) -> bool:
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
    except (tarfile.TarError, OSError, ValueError) as error:
        # What the machine's own tar says tells more than how its output ends.
        pieces.exhaust()
        raise _unusable(error) from error
    pieces.exhaust()


def _the_one(folder: Path) -> Path:
    """What was unpacked there."""
    found = list(folder.iterdir())
    if len(found) != 1:
        raise _unusable(ValueError(f"{len(found)} things came where one was asked for"))
    return found[0]


def _put(found: Path, goal: Path) -> None:
    """Move it to its place; a folder that is there already gets the new files added.

    A link that is there is replaced, and never followed: an earlier copy may have brought it.
    """
    if not (found.is_dir() and not found.is_symlink() and os.path.lexists(goal)):
        found.replace(goal)
    elif goal.is_symlink() or not goal.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(goal))
    else:
        for entry in list(found.iterdir()):
            _put(entry, goal / entry.name)


def _unreadable(error: OSError, path: Path) -> Os2Error:
    return OperationFailed(
        f"{error.filename or path} can't be copied: {error.strerror or error}",
        hint="look at its permissions and at the room that is left",
        code="copy_failed",
    )


def _unusable(error: Exception) -> Os2Error:
    reason = getattr(error, "strerror", None) or error
    return OperationFailed(
        f"what the machine sent can't be unpacked: {reason}",
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
