"""``os2-run-service FOLDER``: run a service for supervisor, as ``s6-supervise`` does.

It execs the service's ``run``; if the service has a ``finish``, it waits and runs that as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from os2cli.providers.local_process.s6.exec import exec_program
from os2cli.providers.local_process.s6.folders import (
    DEFAULT_KILL_MILLISECONDS,
    SOCKET_VARIABLE,
    ServiceFolder,
)
from os2cli.providers.local_process.s6.rpc import Supervisor

LEAST_SECONDS_BETWEEN_STARTS = 1.0
POLL_SECONDS = 0.05
FINISH_MILLISECONDS = 5000
STAY_DOWN = 125
PASSED_ON = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
)


def main(arguments: list[str]) -> int:
    """Run the service in its directory."""
    folder = ServiceFolder(Path(arguments[0]))
    os.chdir(folder.path)
    for name in [name for name in os.environ if name.startswith("SUPERVISOR_")]:
        del os.environ[name]
    _wait_for_turn(folder)
    _open_notification(folder)
    # From now on a notification is about this process.
    folder.status.write_text(str(os.getpid()))
    _connect(folder)
    if (folder.path / "finish").is_file():
        return _FinishedService(folder).run()
    return _exec_run()


def _exec_run() -> NoReturn:
    exec_program(["./run"])


def _wait_for_turn(folder: ServiceFolder) -> None:
    """Wait until the service may start: at most once a second."""
    wait = folder.status.stat().st_mtime + LEAST_SECONDS_BETWEEN_STARTS - time.time()
    if 0 < wait <= LEAST_SECONDS_BETWEEN_STARTS:
        folder.waiting.touch()
        time.sleep(wait)
    folder.waiting.unlink(missing_ok=True)
    folder.child = None


def _open_notification(folder: ServiceFolder) -> None:
    """Open a file as the notification descriptor: unlike a pipe, it needs no reader."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    file = os.open(folder.ready, flags, 0o600)
    descriptor = folder.number("notification-fd", -1)
    if descriptor > 2:
        os.dup2(file, descriptor)
        # dup2 onto itself does not set it.
        os.set_inheritable(descriptor, True)
    if descriptor != file:
        os.close(file)


def _connect(folder: ServiceFolder) -> None:
    """Connect the output to the service's logger; a logger reads its FIFO.

    A FIFO opened for both directions neither blocks nor ends when the other side restarts.
    """
    if folder.path.name == "log":
        _replace(0, folder.pipe)
    elif folder.logger is not None:
        _replace(1, folder.logger.pipe)


def _replace(descriptor: int, pipe: Path) -> None:
    opened = os.open(pipe, os.O_RDWR)
    os.dup2(opened, descriptor)
    os.close(opened)


class _FinishedService:
    """A ``run`` in its own process group, and the ``finish`` after it."""

    def __init__(self, folder: ServiceFolder) -> None:
        self.folder = folder
        self.child = 0
        self.end = float("inf")

    def run(self) -> int:
        """Run both, and return the exit code of ``run``."""
        # The notification descriptor belongs to the child.
        descriptor = self.folder.number("notification-fd", -1)
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        self.child = os.fork()
        if self.child == 0:
            try:
                os.setpgid(0, 0)
                _exec_run()
            finally:
                os._exit(111)
        self.folder.child = self.child
        if descriptor > 2:
            os.close(descriptor)
        for signum in PASSED_ON:
            signal.signal(signum, self._pass_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        code = os.waitstatus_to_exitcode(self._wait())
        self.folder.child = None
        if self._finish(code) == STAY_DOWN:
            self._stay_down()
        return code if code >= 0 else 128 - code

    def _pass_on(self, signum: int, frame: FrameType | None) -> None:
        del frame
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, signum)
        if signum == signal.SIGTERM:
            limit = self.folder.number("timeout-kill", DEFAULT_KILL_MILLISECONDS)
            self.end = time.monotonic() + limit / 1000 if limit else float("inf")

    def _wait(self) -> int:
        """Return its wait status; kill its group if it does not end in time."""
        while True:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                return status
            if time.monotonic() >= self.end:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.child, signal.SIGKILL)
            time.sleep(POLL_SECONDS)

    def _finish(self, code: int) -> int:
        signals = ("256", str(-code)) if code < 0 else (str(code), "0")
        limit = self.folder.number("timeout-finish", FINISH_MILLISECONDS)
        argv = ["./finish", *signals, self.folder.path.name, str(self.child)]
        try:
            done = subprocess.run(argv, check=False, timeout=limit / 1000 or None)
        except (OSError, subprocess.TimeoutExpired):
            return 0
        return done.returncode

    def _stay_down(self) -> None:
        # This also ends this process.
        supervisor = Supervisor(os.environ[SOCKET_VARIABLE])
        with suppress(OSError):
            supervisor.change("stopProcess", self.folder.program, False)
