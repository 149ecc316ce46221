"""``s6-log [DIRECTIVE…] FOLDER``: write lines to files that do not grow for ever.

Understood are ``nCOUNT``, ``sSIZE``, ``T``, ``t`` and ``1``. Lines are not selected.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from os2cli.providers.local_process.s6.folders import LOG_VARIABLE

USUAL_LOGS = "/var/log/"
CHUNK_BYTES = 64 * 1024
_TAI_EPOCH = 1 << 62
_LEAP_SECONDS = 10


@dataclass
class LogFolder:
    """``current`` and the older files beside it, named ``@…`` in the order of their ends."""

    path: Path
    files: int = 10
    size: int = 99999
    times: str = ""
    _file: BinaryIO | None = field(default=None, repr=False)

    def write(self, line: bytes) -> None:
        """Add a line; the file before it may become an old one."""
        file = self._file or self._open()
        if file.tell() >= self.size:
            file.close()
            self._put_away()
            file = self._open()
        file.write(self._time() + line + b"\n")

    def _open(self) -> BinaryIO:
        self.path.mkdir(parents=True, exist_ok=True)
        self._file = (self.path / "current").open("ab", buffering=0)
        return self._file

    def _put_away(self) -> None:
        now = time.time_ns()
        label = f"@{_TAI_EPOCH + _LEAP_SECONDS + now // 10**9:016x}{now % 10**9:08x}.s"
        (self.path / "current").rename(self.path / label)
        for old in sorted(self.path.glob("@*"))[: -self.files or None]:
            old.unlink(missing_ok=True)

    def _time(self) -> bytes:
        now = time.time_ns()
        if self.times == "T":
            whole = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now // 10**9))
            return f"{whole}.{now % 10**9:09d}  ".encode()
        if self.times == "t":
            tai = _TAI_EPOCH + _LEAP_SECONDS + now // 10**9
            return f"@{tai:016x}{now % 10**9:08x} ".encode()
        return b""


def parse(arguments: list[str]) -> tuple[list[LogFolder], bool]:
    """The folders, and whether lines are printed, too."""
    folders: list[LogFolder] = []
    files, size, times, printed = 10, 99999, "", False
    for argument in arguments:
        if argument.startswith(("/", ".")):
            folders.append(LogFolder(_place(argument), files, size, times))
            times = ""
        elif argument[0] == "n" and argument[1:].isdigit():
            files = int(argument[1:])
        elif argument[0] == "s" and argument[1:].isdigit():
            size = int(argument[1:])
        elif argument in ("T", "t"):
            times = argument
        elif argument == "1":
            printed, times = True, ""
    return folders, printed


def _place(folder: str) -> Path:
    """Where that is here: in the image ``/var/log`` is the machine's own."""
    logs = os.environ.get(LOG_VARIABLE)
    if logs and folder.startswith(USUAL_LOGS):
        return Path(logs) / folder.removeprefix(USUAL_LOGS)
    return Path(folder)


class Lines:
    """Lines of stdin, until its end or until a signal asks for that."""

    def __init__(self) -> None:
        self._waiting = False
        self._ending = False

    def __iter__(self) -> Iterator[bytes]:
        signal.signal(signal.SIGTERM, self._end)
        rest = b""
        while chunk := self._next():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        if rest:
            yield rest

    def _next(self) -> bytes:
        """What has come; nothing at the end."""
        self._waiting = not self._ending
        try:
            seconds = 0 if self._ending else None
            ready, _, _ = select.select([0], [], [], seconds)
            return os.read(0, CHUNK_BYTES) if ready else b""
        except InterruptedError:
            return self._next()
        finally:
            self._waiting = False

    def _end(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        self._ending = True
        if self._waiting:
            raise InterruptedError  # out of the system's call, which would be begun again


def main(arguments: list[str]) -> int:
    """Write what comes until its end; asked to end, what is there already."""
    folders, printed = parse([a for a in arguments if not a.startswith("-")])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in Lines():
        for folder in folders:
            folder.write(line)
        if printed:
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
    return 0
