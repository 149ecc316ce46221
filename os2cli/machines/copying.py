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
from os2cli.core.errors import NotFound, OperationFailed, Os2Error, TimedOut, UsageError
from os2cli.core.first_bytes import FirstBytes
from os2cli.core.models import Command, Streams
from os2cli.core.progress import SILENT, Progress
from os2cli.host.pseudo_files import is_pseudo
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.omissions import Omissions
from os2cli.machines.packing import pack
from os2cli.machines.remote_path import own_name
from os2cli.machines.staging import opened, put, staging
from os2cli.machines.tarball import CountedFile, Pieces, receive, unreadable, unusable
from os2cli.machines.unpacking import Unpacked

_NEW = "new"
# A process in the machine may stop the program that answers.
QUESTION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy brought: the size of its archive, and what it is without."""

    archive_bytes: int
    omissions: Omissions


def copy_in(
    place: LocatedMachine, source: str | Path, target: str, progress: Progress = SILENT
) -> Copied:
    """Copy a file or a directory into a machine.

    A target that is a directory receives it under its own name, else the target is the new name.
    Of a source that ends with ``.`` the content is copied; a link that ends with a slash is
    followed.

    Raises:
        NotFound: the source, or the parent directory of the target, does not exist.
    """
    if not os.path.lexists(source):
        raise NotFound(
            f"{source} not found", hint="name a file on this host", code="path_not_found"
        )
    name = own_name(str(source))
    follow = name == "." or str(source).endswith("/")
    path = Path(os.path.realpath(source)) if follow else Path(source)
    with tempfile.TemporaryFile() as file, progress.phase("copy"):
        folder, name = _split_target(place, name, target)
        progress.status(f"packing {source}")
        try:
            omissions = pack(path, name, file)
        except OSError as error:
            raise unreadable(error, path) from error
        size = file.tell()
        file.seek(0)
        reader = CountedFile(file, lambda done: progress.transfer("sent", done, size))
        place.provider.send(place.machine.name, cast("BinaryIO", reader), folder)
    omissions.report(progress)
    return Copied(size, omissions)


def copy_out(
    place: LocatedMachine, source: str, target: str | Path, progress: Progress = SILENT
) -> Copied:
    """Copy a file or a directory out of a machine.

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
                if name == "." or unpacked.is_content:
                    put(outer, _NEW, goal)
                else:
                    put(inner, _single_entry(inner, unpacked), goal)
    except OSError as error:
        raise unreadable(error, goal) from error
    unpacked.omissions.report(progress)
    if (links := unpacked.leading_out).number:
        progress.notice(f"links that lead out of the copy were kept: {links}")
    return Copied(size, unpacked.omissions)


def _check_goal(goal: Path, target: str) -> None:
    # A target that ends with a slash must be an existing directory.
    missing = Path(target) if target.endswith("/") else goal.parent
    if not missing.is_dir():
        raise NotFound(
            f"{missing} not found", hint=f"create it: mkdir -p {missing}", code="path_not_found"
        )
    is_special = goal.exists() and not (goal.is_file() or goal.is_dir())
    if is_special or is_pseudo(missing.stat().st_dev):
        raise UsageError(
            f"{goal} is not a place for files: it is a device, or the kernel's",
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
    if not entries and (items := unpacked.omissions.items):
        raise OperationFailed(
            f"cannot copy {items[0]}",
            hint="copy a file, a directory or a link that the machine's user may read",
            code="copy_failed",
        )
    if len(entries) != 1:
        raise unusable(ValueError(f"expected 1 entry, got {len(entries)}"))
    return entries[0]
