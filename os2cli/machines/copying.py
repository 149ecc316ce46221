"""Use case: files into a machine and out of it, as ``cp -r`` would copy them."""

from __future__ import annotations

import errno
import io
import os
import posixpath
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from os2cli.core.errors import NotFound, UsageError
from os2cli.core.models import Command, Streams
from os2cli.core.progress import SILENT, Progress
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.tarball import CountedFile, Pieces, pack, unpack, unreadable, unusable


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
        pack(path, name, file)
        size = file.tell()
        file.seek(0)
        reader = CountedFile(file, lambda done: progress.transfer("sent", done, size))
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
        raise unreadable(error, goal) from error
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
        unpack(Pieces(pieces, count), folder)
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


def _the_one(folder: Path) -> Path:
    """What was unpacked there."""
    found = list(folder.iterdir())
    if len(found) != 1:
        raise unusable(ValueError(f"{len(found)} things came where one was asked for"))
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
