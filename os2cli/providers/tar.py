"""How files get in and out of a machine through the tar that it has."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterator
from typing import BinaryIO

from os2cli.core.errors import NotFound, OperationFailed, Os2Error
from os2cli.core.models import Command, Streams
from os2cli.providers.execution import Execution, Readable

# Owners are the machine's own: who unpacks here is its user. A folder is to follow.
UNPACK = ("tar", "-x", "-f", "-", "--no-same-owner", "-C")


def packing(path: str) -> Command:
    """The command whose stdout is a tar of ``path`` under its last name.

    Without one (``/``, ``.`` and ``..``) it is what is in that folder, below ``.``.
    """
    folder, name = posixpath.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        return Command(("tar", "-c", "-f", "-", "-C", path, "--", "."))
    return Command(("tar", "-c", "-f", "-", "-C", folder or ".", "--", name))


def unpack(execution: Execution, machine: str, archive: BinaryIO, folder: str) -> None:
    """Unpack a tar into a folder of the machine.

    Raises:
        NotFound: there is no such folder.
        OperationFailed: the machine's tar failed.
    """
    stderr = io.BytesIO()
    command = Command((*UNPACK, folder))
    if execution.run(command, Streams(io.BytesIO(), stderr, archive)) != 0:
        raise copy_error(machine, folder, stderr.getvalue())


def pack(execution: Readable, machine: str, path: str) -> Iterator[bytes]:
    """Yield a tar of a file or folder of the machine; raises as ``unpack`` does."""
    yield from execution.output(packing(path))
    if execution.exit_code != 0:
        raise copy_error(machine, path, execution.stderr)


def copy_error(machine: str, path: str, said: bytes) -> Os2Error:
    """The failure when the machine's tar ended with one; ``said`` is its stderr."""
    lines = said.decode(errors="replace").strip().splitlines()
    reason = lines[0].removeprefix("tar: ") if lines else "its tar failed and gave no reason"
    if "No such file or directory" in reason:
        return NotFound(
            f"{machine}:{path} does not exist",
            hint=f"look around: os2 machine exec {machine} -- ls {posixpath.dirname(path) or '.'}",
            code="path_not_found",
        )
    return OperationFailed(
        f"{machine}:{path} was not copied: {reason}",
        hint="files are copied as the machine's own user; choose a place that is its own",
        code="copy_failed",
    )
