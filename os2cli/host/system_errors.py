"""Failures of this computer that any command can meet: a full disk, an exhausted limit."""

from __future__ import annotations

import errno
import os

from os2cli.core.errors import OperationFailed

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BROKEN_DISK = (errno.EIO, errno.EROFS, errno.ESTALE)
_FILES = (errno.EMFILE, errno.ENFILE)
_MEMORY = (errno.ENOMEM,)
_PROCESSES = (errno.EAGAIN,)
_DENIED = (errno.EACCES, errno.EPERM)
_PATHS = (errno.ENAMETOOLONG, errno.ELOOP)
# What a library meets on its way and handles; it explains only its own exception.
_OFTEN_HANDLED = (*_PROCESSES, *_DENIED, *_PATHS)
_EXPLANATIONS = (
    (_DISK_FULL, "disk_full", "free some space there, or point TMPDIR, HOME and XDG_… elsewhere"),
    (_BROKEN_DISK, "disk_failed", "check the disk, or point TMPDIR, HOME and XDG_… elsewhere"),
    (_FILES, "too_many_files", "raise the limit of open files: ulimit -n 1024"),
    (_MEMORY, "out_of_memory", "end other programs, or raise the limit: ulimit -v unlimited"),
    (_PROCESSES, "too_many_processes", "end other programs, or raise the limit: ulimit -u"),
    (_DENIED, "access_denied", "check who owns it and its permissions"),
    (_PATHS, "path_unusable", "name a shorter path, without links in a circle"),
)
# How far to look for what a library's error was caused by.
_MAX_CAUSES = 20


def explained(error: BaseException) -> OperationFailed | None:
    """Return the failure of this computer behind an exception, or None if it is something else."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if cause is None:
            break
        if isinstance(cause, MemoryError):
            return _failure(errno.ENOMEM, "out of memory", None)
        if (
            isinstance(cause, OSError)
            and cause.errno is not None
            and (cause is error or cause.errno not in _OFTEN_HANDLED)
        ):
            failure = _failure(cause.errno, cause.strerror, cause.filename)
            if failure is not None:
                return failure
        cause = cause.__cause__ or cause.__context__
    return None


def _failure(number: int, reason: str | None, filename: object) -> OperationFailed | None:
    for numbers, code, hint in _EXPLANATIONS:
        if number in numbers:
            where = f" {_text(filename)}" if filename else ""
            what = "cannot write a file" if numbers is _DISK_FULL else "cannot use this computer"
            what = f"cannot use{where}" if where else what
            return OperationFailed(f"{what}: {reason or os.strerror(number)}", hint=hint, code=code)
    return None


def _text(filename: object) -> str:
    return filename.decode(errors="replace") if isinstance(filename, bytes) else str(filename)
