"""Programs of the host, run under a deadline and listened to line by line."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence

from os2cli.core.errors import TimedOut

_TAIL = 20


class ProgramFailed(Exception):
    """A program ended with a status other than 0; ``tail`` is the end of what it wrote."""

    def __init__(self, name: str, status: int, tail: tuple[str, ...]) -> None:
        super().__init__(f"{name} ended with status {status}")
        self.tail = tail


def run(command: Sequence[str], *, deadline_s: float, on_line: Callable[[str], None]) -> None:
    """Run ``command`` in the C locale; ``on_line`` gets each line of its two outputs.

    Raises:
        ProgramFailed: it ended with a status other than 0.
        TimedOut: it was killed after ``deadline_s`` seconds.
        OSError: it cannot be started.
    """
    tail: deque[str] = deque(maxlen=_TAIL)
    process = subprocess.Popen(
        ["env", "LC_ALL=C", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(deadline_s, stop)
    timer.start()
    try:
        with process:
            try:
                for line in process.stdout or ():
                    tail.append(line.rstrip())
                    on_line(line.rstrip())
            except BaseException:
                process.kill()
                raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimedOut(
            f"{command[0]} was still running after {deadline_s:.0f} s: {_last(tail)}",
            hint="try again when the network or the disk is faster",
        )
    if process.returncode:
        raise ProgramFailed(command[0], process.returncode, tuple(tail))


def _last(tail: deque[str]) -> str:
    return tail[-1] if tail else "it wrote nothing"
