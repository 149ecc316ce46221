"""What runs now. Any process may end while it is read."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil


def is_alive(pid: int) -> bool:
    """Return whether a process runs, not only waits for its parent to read its exit code."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def marked(variable: str, value: str) -> list[psutil.Process]:
    """Return the processes whose environment has this value of a variable."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(variable) == value and process.is_running():
                found.append(process)
    return found


def command_lines(processes: Iterable[psutil.Process] | None = None) -> list[list[str]]:
    """Return the arguments of these processes, or of all; one that is ending may have none."""
    lines = []
    for process in psutil.process_iter() if processes is None else processes:
        with suppress(psutil.Error, OSError):
            lines.append(process.cmdline())
    return [line for line in lines if line]


def tree(pid: int | None) -> list[psutil.Process]:
    """Return a process and all its descendants."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]
