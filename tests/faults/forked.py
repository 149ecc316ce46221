"""os2 as a process of its own, forked from one that has imported all of it.

Importing takes most of a short command's time, and a campaign runs tens of thousands.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import pkgutil
import pty
import runpy
import sys
import tempfile
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

import os2cli
from tests.command import Os2, Result

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        module.name
        for module in pkgutil.walk_packages(os2cli.__path__, "os2cli.")
        if not module.name.endswith("__main__")
    ]
)
# Starting a process also reads the exit codes of the others, and each can be read only once.
_ONE_AT_A_TIME = threading.Lock()


class Running:
    """A command that runs, with its output in files.

    With ``typed`` it has a terminal, where that is typed; what the terminal shows is its stdout.
    """

    def __init__(self, os2: Os2, arguments: Sequence[str], typed: str = "") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="output-")
        self._files = [str(Path(self._folder.name) / name) for name in ("stdout", "stderr")]
        for file in self._files:
            Path(file).touch()
        self._process = _FORKS.Process(
            target=_run,
            args=(str(os2.folder), dict(os2.env), list(arguments), self._files, typed),
        )
        with _ONE_AT_A_TIME:
            self._process.start()

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def result(self, seconds: float) -> Result | None:
        """Return how it ended; None if that took longer, and it was killed."""
        wait([self._process.sentinel], seconds)
        with _ONE_AT_A_TIME:
            late = self._process.exitcode is None
            self._process.kill()
            self._process.join()
            status = self._process.exitcode
            self._process.close()
        out, err = (Path(file).read_text(errors="replace") for file in self._files)
        self._folder.cleanup()
        return None if late or status is None else Result(status, out, err)


def _run(
    folder: str, env: Mapping[str, str], arguments: list[str], files: list[str], typed: str
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    opened = [os.open(file, os.O_WRONLY | os.O_APPEND) for file in files]
    for number, file in enumerate(opened, 1):
        os.dup2(file, number)
    if typed:
        _take_terminal(typed, opened[0])
    sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, closefd=False) for n in (1, 2))
    sys.argv = ["os2", *arguments]
    runpy.run_module("os2cli", run_name="__main__", alter_sys=True)


def _take_terminal(typed: str, shown: int) -> None:
    """Let a new terminal be stdin and stdout, type there, and keep what it shows in a file."""
    user, ours = pty.openpty()
    os.setsid()
    fcntl.ioctl(ours, termios.TIOCSCTTY, 0)
    for number in (0, 1):
        os.dup2(ours, number)
    sys.stdin = os.fdopen(0, closefd=False)
    os.write(user, typed.encode())

    def show() -> None:
        while True:
            os.write(shown, os.read(user, 65536))

    threading.Thread(target=show, daemon=True).start()
