"""Running programs on this host: line by line, with a deadline, and none left behind."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TAIL_LINES = 20
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """A program's exit code, and the last lines of its two outputs."""

    returncode: int
    tail: tuple[str, ...]


class ProgramTimeout(Exception):
    """A program was stopped at its deadline; ``tail`` is the end of its output."""

    def __init__(self, program: str, tail: tuple[str, ...]) -> None:
        super().__init__(f"{program} was still running at its deadline")
        self.tail = tail


def run_program(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> ProgramResult:
    """Run a program to its end, successful or not; ``timeout`` is in seconds.

    ``on_line`` gets each line of both outputs. Without ``env`` the program inherits the
    environment. An exception stops it and its children.

    Raises:
        ProgramTimeout: the program did not end in time.
        OSError: the program cannot be started.
    """
    process = subprocess.Popen(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that its children can be stopped with it
    )
    tail: deque[str] = deque(maxlen=TAIL_LINES)

    def keep(line: str) -> None:
        tail.append(line)
        if on_line:
            on_line(line)

    try:
        _follow(process, time.monotonic() + timeout, keep)
    except queue.Empty:
        raise ProgramTimeout(argv[0], tuple(tail)) from None
    finally:
        _stop(process)
    return ProgramResult(process.returncode, tuple(tail))


def _follow(process: subprocess.Popen[str], end: float, on_line: Callable[[str], None]) -> None:
    """Pass on each line; raises ``queue.Empty`` at ``end`` on the monotonic clock."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        with process.stdout or contextlib.nullcontext() as stream:
            for line in stream or ():
                lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (line := lines.get(timeout=max(0.0, end - time.monotonic()))) is not None:
        on_line(line)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, end - time.monotonic()))
        return
    raise queue.Empty


def _stop(process: subprocess.Popen[str]) -> None:
    """End the program and its children if it still runs: with SIGTERM, then with SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        if not hasattr(os, "killpg"):  # Windows
            process.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
