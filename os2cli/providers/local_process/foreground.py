"""What a program has in the foreground, and how that ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from os2cli.providers.local_process.processes import until

INTERRUPT_SECONDS, TERMINATE_SECONDS = 1.0, 0.5
KILL_SECONDS = 1.0
# What a shell's `&` ignores, in the mask that the kernel reports.
_IGNORED_BY_JOBS = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGQUIT - 1)


@dataclass(frozen=True, slots=True)
class _Traits:
    """The session and group of a process, and which signals it ignores; None: it is not known."""

    session: int
    group: int
    ignored: int | None

    @classmethod
    def of(cls, process: psutil.Process) -> _Traits:
        return cls(os.getsid(process.pid), os.getpgid(process.pid), _ignored(process.pid))

    def is_in_background_of(self, parent: _Traits) -> bool:
        """Return whether the parent put it there: with setsid, or with `&` of a shell."""
        if self.session != parent.session:
            return True
        return bool((self.ignored or 0) & ~(parent.ignored or 0) & _IGNORED_BY_JOBS)


def end_foreground(program: subprocess.Popen[bytes], terminal: int | None = None) -> None:
    """End a program and what it has in the foreground: interrupt it, terminate it, then kill it.

    What a process put in the background and what left its parent live on. A shell with a terminal
    puts each of its jobs in a process group, one of them in the terminal's foreground.
    """
    foreground = _Foreground(program, terminal)
    for signum, seconds in (
        (signal.SIGINT, INTERRUPT_SECONDS),
        (signal.SIGTERM, TERMINATE_SECONDS),
    ):
        foreground.send(signum)
        if until(foreground.has_ended, seconds):
            return

    def killed() -> bool:
        # A process that is killed later may restart one that was killed before.
        foreground.send(signal.SIGKILL)
        return foreground.has_ended()

    until(killed, KILL_SECONDS)


class _Foreground:
    """A program, and those of its descendants that are in the foreground."""

    def __init__(self, program: subprocess.Popen[bytes], terminal: int | None) -> None:
        self._program = program
        self._group = None if terminal is None else _foreground_group(terminal)
        self._members: dict[psutil.Process, _Traits] = {}
        with suppress(psutil.Error, OSError):
            process = psutil.Process(program.pid)
            self._members[process] = _Traits.of(process)

    def send(self, signum: signal.Signals) -> None:
        """Signal all of them while they are stopped, so that none starts another meanwhile."""
        self._each(psutil.Process.suspend)
        while self._extend():
            self._each(psutil.Process.suspend)
        self._each(lambda process: self._signal(process, signum))
        self._each(psutil.Process.resume)

    def has_ended(self) -> bool:
        """Return whether none is left, apart from those that a terminal would leave.

        The program is looked at last: one that ends meanwhile must be reaped as well.
        """
        is_left = any(self._must_end(each) and _is_alive(each) for each in self._members)
        return self._program.poll() is not None and not is_left

    def _signal(self, process: psutil.Process, signum: signal.Signals) -> None:
        if signum is signal.SIGINT or self._must_end(process):
            process.send_signal(signum)

    def _must_end(self, process: psutil.Process) -> bool:
        """Return False for what may be in the background, if the system does not tell."""
        return process.pid == self._program.pid or self._members[process].ignored is not None

    def _extend(self) -> bool:
        """Add the children of members that are not in the background; return whether any was."""
        children = _children()
        parents = list(self._members)
        before = len(parents)
        for parent in parents:
            added = [child for child in children.get(parent.pid, ()) if self._add(child, parent)]
            parents.extend(added)
        return len(parents) > before

    def _add(self, child: psutil.Process, parent: psutil.Process) -> bool:
        if child in self._members:
            return False
        with suppress(psutil.Error, OSError):
            traits = _Traits.of(child)
            is_job = self._group is not None and traits.group not in (
                self._group,
                self._members[parent].group,
            )
            if not is_job and not traits.is_in_background_of(self._members[parent]):
                self._members[child] = traits
        return child in self._members

    def _each(self, do: Callable[[psutil.Process], None]) -> None:
        for process in self._members:
            with suppress(psutil.Error, OSError):
                do(process)


def _foreground_group(terminal: int) -> int:
    """Return the process group in the foreground of a terminal, 0 if the terminal is gone."""
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return 0


def _children() -> dict[int, list[psutil.Process]]:
    """Return all processes by the id of their parent."""
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process)
    return children


def _ignored(pid: int) -> int | None:
    """Return the mask of the signals that a process ignores; None where there is no ``/proc``."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except FileNotFoundError:
        return None
    return int(status.partition("\nSigIgn:")[2].split(maxsplit=1)[0], 16)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
