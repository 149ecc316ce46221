"""``s6-log [DIRECTIVE…] FOLDER``: write lines to rotated files.

Supports the directives ``nCOUNT``, ``sSIZE``, ``T``, ``t`` and ``1``; no selection of lines.
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
from typing import BinaryIO

from os2cli.providers.local_process.s6.folders import LOG_VARIABLE

USUAL_LOGS = "/var/log/"
CHUNK_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024
_TAI_EPOCH = 1 << 62
_LEAP_SECONDS = 10


@dataclass
class LogFolder:
    """``current`` and the older files beside it, named ``@…`` by the time they were rotated."""

    path: Path
    files: int = 10
    size: int = 99999
    times: str = ""
    _file: BinaryIO | None = field(default=None, repr=False)

    def write(self, line: bytes) -> None:
        """Append a line, and rotate a full file first."""
        file = self._file or self._open()
        if file.tell() >= self.size:
            file.close()
            self._rotate()
            file = self._open()
        file.write(self._time() + line + b"\n")

    def _open(self) -> BinaryIO:
        self.path.mkdir(parents=True, exist_ok=True)
        self._file = (self.path / "current").open("ab", buffering=0)
        return self._file

    def _rotate(self) -> None:
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
    """Return the log directories, and whether lines are also printed."""
    folders: list[LogFolder] = []
    files, size, times, printed = 10, 99999, "", False
    for argument in arguments:
        if argument.startswith(("/", ".")):
            folders.append(LogFolder(_map_path(argument), files, size, times))
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


def _map_path(folder: str) -> Path:
    """Map the image's ``/var/log`` to the machine's log directory."""
    logs = os.environ.get(LOG_VARIABLE)
    if logs and folder.startswith(USUAL_LOGS):
        return Path(logs) / folder.removeprefix(USUAL_LOGS)
    return Path(folder)


class Lines:
    """Lines of stdin, until its end or SIGTERM.

    The signal wakes by a pipe: one that comes just before a wait would not interrupt it.
    """

    def __iter__(self) -> Iterator[bytes]:
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGTERM, lambda *_: None)
        rest = bytearray()
        while chunk := _next(ended):
            first, *others = chunk.split(b"\n")
            rest += first
            for other in others:
                yield bytes(rest)
                rest = bytearray(other)
            # As s6-log does with longer ones, which would fill the memory.
            if len(rest) >= MAX_LINE_BYTES:
                yield bytes(rest)
                rest = bytearray()
        if rest:
            yield bytes(rest)


def _next(ended: int) -> bytes:
    """Return what comes next; empty at the end, or when nothing is there and ``ended`` is ready."""
    ready, _, _ = select.select([0, ended], [], [])
    return os.read(0, CHUNK_BYTES) if 0 in ready else b""


def main(arguments: list[str]) -> int:
    """Write all lines until the end of stdin; on SIGTERM, those already there."""
    folders, printed = parse([a for a in arguments if not a.startswith("-")])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in Lines():
        for folder in folders:
            folder.write(line)
        if printed:
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
    return 0
