"""Use case: copy files into and out of a machine, as ``cp -r`` would."""

from __future__ import annotations

import os
import posixpath
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from os2cli.core.deadline import seconds_left, within
from os2cli.core.errors import NotFound, Os2Error, TimedOut, UsageError
from os2cli.core.first_bytes import FirstBytes
from os2cli.core.models import Command, Streams
from os2cli.core.progress import SILENT, Progress
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.staging import opened, put, staging
from os2cli.machines.tarball import CountedFile, Pieces, pack, receive, unreadable, unusable
from os2cli.machines.unpacking import Unpacked

_NEW = "new"
# A process in the machine may stop the program that answers.
QUESTION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path in a machine, or one on this host when ``machine`` is None."""

    machine: str | None
    path: str

    @classmethod
    def parse(cls, text: str) -> RemotePath:
        """Parse ``NAME:PATH``; with a slash before the colon it is a path on this host."""
        name, colon, path = text.partition(":")
        if not colon or "/" in name or not name:
            return cls(None, text)
        return cls(name, path or ".")


def check_pair(source: RemotePath, target: RemotePath) -> str:
    """Return the machine's name; raise ``UsageError`` unless exactly one side names one."""
    if (source.machine is None) != (target.machine is None):
        return cast("str", source.machine or target.machine)
    both = source.machine is not None
    raise UsageError(
        "both sides are in machines" if both else "neither side is in a machine",
        hint="copy via this host"
        if both
        else "name one: os2 machine cp FILE NAME:PATH, or NAME:PATH FILE",
        code="copy_sides",
    )


def copy_in(
    place: LocatedMachine, source: str | Path, target: str, progress: Progress = SILENT
) -> int:
    """Copy a file or a directory into a machine, and return the number of bytes sent.

    A target that is a directory receives it under its own name, else the target is the new name.
    Of a source that ends with ``.`` the content is copied.

    Raises:
        NotFound: the source, or the parent directory of the target, does not exist.
    """
    path = Path(source)
    if not os.path.lexists(path):
        raise NotFound(
            f"{source} not found", hint="name a file on this host", code="path_not_found"
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
    """Copy a file or a directory out of a machine, and return the number of bytes received.

    A failure leaves nothing behind. Links are copied as links, also those that lead elsewhere;
    nothing is written through one.

    Raises:
        NotFound: the source, or the parent directory of the target, does not exist.
    """
    name = own_name(source)
    goal = Path(target) / name if Path(target).is_dir() else Path(target)
    _check_goal(goal, str(target))
    # On the target's file system, so that a rename is enough.
    around = goal if goal.is_dir() and not goal.is_symlink() else goal.parent
    try:
        with staging(around) as outer:
            os.mkdir(_NEW, 0o755, dir_fd=outer)  # below a descriptor
            with opened(_NEW, outer) as inner:
                size, unpacked = _receive(place, source, inner, progress)
                if name == ".":
                    put(outer, _NEW, goal)
                else:
                    put(inner, _single_entry(inner, unpacked), goal)
    except OSError as error:
        raise unreadable(error, goal) from error
    _report(unpacked, progress)
    return size


def own_name(path: str) -> str:
    """Return the base name of a path; ``.`` if it ends in one, which means the content."""
    last = posixpath.basename(path.rstrip("/"))
    return "." if last in ("", ".", "..") else last


def _check_goal(goal: Path, target: str) -> None:
    # A target that ends with a slash must be an existing directory.
    missing = Path(target) if target.endswith("/") else goal.parent
    if not missing.is_dir():
        raise NotFound(
            f"{missing} not found", hint=f"create it: mkdir -p {missing}", code="path_not_found"
        )
    if goal.exists() and not (goal.is_file() or goal.is_dir()):
        raise UsageError(
            f"{goal} is neither a file nor a directory",
            hint="copy to a file, or print one: os2 machine exec NAME -- cat PATH",
            code="copy_target",
        )


def _receive(
    place: LocatedMachine, source: str, folder: int, progress: Progress
) -> tuple[int, Unpacked]:
    received = 0

    def count(done: int) -> None:
        nonlocal received
        received = done
        progress.status(f"received {done:,} bytes")

    with progress.phase("copy"):
        pieces = Pieces(place.provider.fetch(place.machine.name, source), count)
        with closing(pieces):
            unpacked = receive(pieces, folder)
    return received, unpacked


def _report(unpacked: Unpacked, progress: Progress) -> None:
    if (left_out := unpacked.left_out).number:
        progress.warn(f"left out {left_out}: neither a file, a directory nor a link")
    if (links := unpacked.leading_out).number:
        progress.notice(f"links that lead out of the copy were kept: {links}")


def _split_target(place: LocatedMachine, name: str, target: str) -> tuple[str, str]:
    """Return the directory to unpack in and the name to unpack under."""
    if target.endswith("/") or is_folder(place, target):
        return target, name
    folder, new_name = posixpath.split(target)
    return folder or ".", new_name or name


def is_folder(place: LocatedMachine, path: str) -> bool:
    """Return whether the path is a directory in the machine."""
    nowhere, name = Streams(FirstBytes(), FirstBytes()), place.machine.name
    with within(QUESTION_SECONDS):
        try:
            return place.provider.execute(name, Command(("test", "-d", path)), nowhere) == 0
        except Os2Error as error:
            if seconds_left() != 0:
                raise
            raise TimedOut(
                f"timed out after {QUESTION_SECONDS:g} s waiting for test in machine {name}",
                hint=f"check the machine's processes: os2 machine exec {name} -- ps",
            ) from error


def _single_entry(folder: int, unpacked: Unpacked) -> str:
    entries = os.listdir(folder)  # of a descriptor
    if not entries and unpacked.left_out.number:
        raise unusable(ValueError("it is neither a file, a directory nor a link"))
    if len(entries) != 1:
        raise unusable(ValueError(f"expected 1 entry, got {len(entries)}"))
    return entries[0]
