"""Files in and out of a machine, with the tar program that it has."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from typing import BinaryIO

from os2cli.core.errors import NotFound, OperationFailed, Os2Error
from os2cli.core.first_bytes import FirstBytes
from os2cli.core.models import Command, Streams
from os2cli.providers.any_bytes import in_utf8
from os2cli.providers.execution import Execution, Readable

# The machine's user unpacks, and owns the files. The folder follows as the last argument.
UNPACK = ("tar", "-x", "-f", "-", "--no-same-owner", "-C")


def packing(path: str) -> Command:
    """Return the command whose stdout is a tar of ``path`` under its last name.

    A path without one (``/``, ``.`` and ``..``) gives that folder's content, below ``.``.
    """
    folder, name = posixpath.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        return Command(("tar", "-c", "-f", "-", "-C", path, "--", "."))
    return Command(("tar", "-c", "-f", "-", "-C", folder or ".", "--", name))


def unpack(execution: Execution, machine: str, archive: BinaryIO, folder: str) -> None:
    """Unpack a tar into a folder of the machine.

    Raises:
        NotFound: the folder does not exist.
        OperationFailed: the machine's tar failed.
    """
    stderr = FirstBytes()
    command = in_utf8(Command((*UNPACK, folder)))
    if execution.run(command, Streams(FirstBytes(), stderr, archive)) != 0:
        raise copy_error(machine, folder, stderr.getvalue())


def pack(execution: Readable, machine: str, path: str) -> Iterator[bytes]:
    """Yield a tar of a file or folder of the machine; raises as ``unpack`` does."""
    yield from execution.output(in_utf8(packing(path)))
    if execution.exit_code != 0:
        raise copy_error(machine, path, execution.stderr)


def copy_error(machine: str, path: str, stderr: bytes) -> Os2Error:
    """Return the error for a failed tar of the machine."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    reason = lines[0].removeprefix("tar: ") if lines else "its tar failed without a message"
    if "No such file or directory" in reason:
        folder = posixpath.dirname(path) or "."
        return NotFound(
            f"{machine}:{path} does not exist",
            hint=f"list files: os2 machine exec {machine} -- ls {shlex.quote(folder)}",
            code="path_not_found",
        )
    return OperationFailed(
        f"cannot copy {machine}:{path}: {reason}",
        hint="files are copied as the machine's user; choose a path that this user may access",
        code="copy_failed",
    )
