"""Files in and out of a machine, with the tar program that it has."""

from __future__ import annotations

import posixpath
import shlex
from typing import BinaryIO

from os2cli.core.errors import NotFound, OperationFailed, Os2Error, UsageError
from os2cli.core.first_bytes import FirstBytes
from os2cli.core.models import Command, Streams
from os2cli.machines.tarball import Packed
from os2cli.providers.any_bytes import in_utf8
from os2cli.providers.execution import Execution, Readable
from os2cli.providers.tar_complaints import complaints, tar_lines
from os2cli.providers.tar_scripts import NOT_A_FOLDER, PACK_SCRIPT, PSEUDO, UNPACK_SCRIPT

# The machine's user unpacks, and owns the files. The folder follows as the last argument.
UNPACK = ("sh", "-c", UNPACK_SCRIPT, "sh")
_END = bytes(1024)


def packing(path: str) -> Command:
    """Return the command whose stdout is a tar of ``path`` under its last name.

    A path without one (``/``, ``.`` and ``..``) gives that folder's content, below ``.``; so does
    a link to a folder that ends with a slash.
    """
    folder, name = posixpath.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        folder, name = path, "."
    must_be_folder = "/" if path.endswith("/") else ""
    return Command(("sh", "-c", PACK_SCRIPT, "sh", folder or ".", name, must_be_folder))


def unpack(execution: Execution, machine: str, archive: BinaryIO, folder: str) -> None:
    """Unpack a tar into a folder of the machine.

    Raises:
        NotFound: the folder does not exist.
        OperationFailed: the machine's tar failed.
        UsageError: the folder is in a file system of the kernel.
    """
    stderr = FirstBytes()
    command = in_utf8(Command((*UNPACK, folder)))
    code = execution.run(command, Streams(FirstBytes(), stderr, archive))
    if code != 0:
        if code == PSEUDO:
            raise UsageError(
                f"cannot copy to {machine}:{folder}: it is in a file system of the kernel",
                hint="name a directory for files, such as /tmp",
                code="copy_target",
            )
        raise copy_error(machine, folder, stderr.getvalue(), code)


def pack(execution: Readable, machine: str, path: str) -> Packed:
    """Yield a tar of a file or folder of the machine, and return what it is without.

    A tar that ended with an error but wrote a whole archive left out what it complains of.

    Raises as ``unpack`` does.
    """
    has_entries, tail = False, b""
    for piece in execution.output(in_utf8(packing(path))):
        has_entries = has_entries or any(piece)
        tail = (tail + piece)[-len(_END) :]
        yield piece
    if execution.exit_code != 0 and not (has_entries and tail == _END):
        raise copy_error(machine, path, execution.stderr, execution.exit_code)
    return complaints(execution.stderr)


def copy_error(machine: str, path: str, stderr: bytes, exit_code: int = 1) -> Os2Error:
    """Return the error for a failed tar of the machine."""
    if exit_code in (PSEUDO, NOT_A_FOLDER):
        return _refusal(machine, path, exit_code)
    reason = next(tar_lines(stderr), "its tar failed without a message")
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


def _refusal(machine: str, path: str, exit_code: int) -> Os2Error:
    if exit_code == NOT_A_FOLDER:
        return UsageError(
            f"{machine}:{path} is not a directory",
            hint="name it without the slash at the end",
            code="copy_source",
        )
    return UsageError(
        f"cannot copy {machine}:{path}: it is a device or in a file system of the kernel",
        hint=f"print it: os2 machine exec {machine} -- cat {shlex.quote(path)}",
        code="copy_pseudo_file",
    )
