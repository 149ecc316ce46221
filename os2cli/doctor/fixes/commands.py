"""Runs other programs: their output line by line, a deadline, and none left behind."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import OperationFailed, TimedOut

TAIL_LINES = 20
_STOP_SECONDS = 5.0
# Nothing else is passed on: under `doppler run` the rest of the environment is full of secrets.
_PASSED_ON = ("PATH", "HOME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "TMPDIR", "SYSTEMROOT")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")

# A program that is started to stay; kept because Popen complains when it is collected before.
_LEFT_RUNNING: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a program ended, and the last lines of what it said on both streams."""

    returncode: int
    tail: tuple[str, ...]


class Commands:
    """Programs found on the PATH of ``variables``, run with little of the rest of it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        wanted = (*_PASSED_ON, *_PROXIES, *map(str.lower, _PROXIES))
        self._environment = {name: variables[name] for name in wanted if name in variables}
        self._environment["LC_ALL"] = "C"

    def find(self, name: str) -> str | None:
        """The program's file, or None."""
        return shutil.which(name, path=self._environment.get("PATH", ""))

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        on_line: Callable[[str], None] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> CommandResult:
        """Run a program to its end, which may be a failure; ``timeout`` is in seconds.

        Raises:
            OperationFailed: there is no such program.
            TimedOut: it did not end in time and was stopped.
        """
        process = subprocess.Popen(
            [self._require(argv[0]), *argv[1:]],
            env={**self._environment, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that its children can be stopped with it
        )
        tail: list[str] = []

        def keep(line: str) -> None:
            tail[:] = [*tail, line][-TAIL_LINES:]
            if on_line:
                on_line(line)

        try:
            _follow(process, time.monotonic() + timeout, keep)
        except queue.Empty:
            raise TimedOut(
                f"{' '.join(argv)} did not end within {timeout:g} s",
                hint="run it by hand to see what keeps it",
                log_tail=tuple(tail),
            ) from None
        finally:
            _stop(process)
        return CommandResult(process.returncode, tuple(tail))

    def check(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        on_line: Callable[[str], None] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program that must succeed; raises ``OperationFailed`` with its last lines."""
        result = self.run(argv, timeout=timeout, on_line=on_line, extra=extra)
        if result.returncode != 0:
            raise OperationFailed(
                f"{' '.join(argv)} failed with status {result.returncode}",
                hint="the lines above are the end of what it said",
                log_tail=result.tail,
            )

    def start_detached(self, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a program that outlives os2: own session, no stdin, its output appended to log."""
        log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            process = subprocess.Popen(
                [self._require(argv[0]), *argv[1:]],
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                umask=0o022,
            )
        finally:
            os.close(descriptor)
        _LEFT_RUNNING.append(process)
        return process

    def _require(self, name: str) -> str:
        if found := self.find(name):
            return found
        raise OperationFailed(
            f"the program {name} was not found",
            hint="install it, or add its folder to PATH",
            code="program_missing",
        )


def _follow(process: subprocess.Popen[str], end: float, on_line: Callable[[str], None]) -> None:
    """Pass on the lines as they come; raises ``queue.Empty`` at ``end``, on the monotonic clock."""
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
    """End the program and its children if it still runs: politely, then for good."""
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
