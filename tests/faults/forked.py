"""os2 as a process of its own, forked from one that has imported all of it.

Importing takes most of a short command's time, and a campaign runs tens of thousands.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import runpy
import sys
import tempfile
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
    """A command that runs, with its output in files."""

    def __init__(self, os2: Os2, arguments: Sequence[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="output-")
        self._files = [str(Path(self._folder.name) / name) for name in ("stdout", "stderr")]
        for file in self._files:
            Path(file).touch()
        self._process = _FORKS.Process(
            target=_run, args=(str(os2.folder), dict(os2.env), list(arguments), self._files)
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


def _run(folder: str, env: Mapping[str, str], arguments: list[str], files: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, file in enumerate(files, 1):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, closefd=False) for n in (1, 2))
    sys.argv = ["os2", *arguments]
    runpy.run_module("os2cli", run_name="__main__", alter_sys=True)
