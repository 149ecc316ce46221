"""A machine's processes, found by a mark that all of them inherit."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from os2cli.providers.local_process.record import ProcessId, Record
from os2cli.providers.local_process.s6.folders import (
    FOLDER_VARIABLE,
    LOGGER_VARIABLE,
    MARK_VARIABLE,
)

POLL_SECONDS = 0.02
# Setting the clock moves the start time that the system reports for every process.
SAME_BEGINNING_SECONDS = 2.0


def identify(pid: int) -> ProcessId:
    """Return the identity of a process; the start time is 0 if it has already ended."""
    try:
        return ProcessId(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ProcessId(pid, 0.0)


def is_alive(process: ProcessId | None, variable: str, mark: str) -> bool:
    """Return whether the process still runs: its id may now belong to another process."""
    if process is None:
        return False
    try:
        candidate = psutil.Process(process.pid)
        if candidate.status() == psutil.STATUS_ZOMBIE:
            return False
        if abs(candidate.create_time() - process.began) > SAME_BEGINNING_SECONDS:
            return False
        return _mark(candidate, variable) in (mark, None)
    except psutil.Error:
        return False


def first_is_alive(record: Record) -> bool:
    """Return whether the machine's first process runs, the shell that runs supervisor."""
    return is_alive(record.first, MARK_VARIABLE, record.id)


def logger_is_alive(record: Record) -> bool:
    """Return whether the process that writes the machine's log runs."""
    return is_alive(record.logger, LOGGER_VARIABLE, record.id)


def end_machine(record: Record, folder: Path, seconds: float) -> list[int]:
    """End the first process, kill the rest, and return the ids of processes that survive.

    ``seconds`` is the time for services to end; their leftovers are killed at once.
    """
    if first_is_alive(record) and record.first is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(record.first.pid, signal.SIGTERM)
        until(lambda: _wake_until_ended(record), seconds)
    left = kill_all(lambda: of_machine(record.id, folder), 2.0)
    # The logger ends by itself once it has read everything.
    if not until(lambda: not logger_is_alive(record), 1.0) and record.logger is not None:
        _kill(record.logger.pid)
    return left + kill_all(lambda: marked(LOGGER_VARIABLE, record.id), 1.0)


def end_folder(folder: Path) -> list[int]:
    """Kill every process of the machine in a directory, and return the ids of those that survive.

    The mark of its logger is that of the others.
    """
    marks = {_mark(process, MARK_VARIABLE) for process in marked(FOLDER_VARIABLE, str(folder))}
    left = kill_all(lambda: of_machine(None, folder), 2.0)
    for mark in filter(None, marks):
        left += kill_all(lambda mark=mark: marked(LOGGER_VARIABLE, mark), 1.0)  # type: ignore[misc]
    return left


def _wake_until_ended(record: Record) -> bool:
    """Return whether the first process has ended; a connection wakes supervisor to check."""
    if not first_is_alive(record):
        return True
    with suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(POLL_SECONDS)
        caller.connect(record.socket)
    return False


def kill_all(find: Callable[[], list[psutil.Process]], seconds: float) -> list[int]:
    """Kill until none is left: a process may start another while it is killed."""

    def none_left() -> bool:
        processes = find()
        for process in processes:
            _kill(process.pid)
        return not processes

    return [] if until(none_left, seconds) else [process.pid for process in find()]


def of_machine(mark: str | None, folder: Path) -> list[psutil.Process]:
    """Return every process of a machine: those with its mark or directory, and their children."""
    found = marked(FOLDER_VARIABLE, str(folder))
    if mark:
        found += marked(MARK_VARIABLE, mark)
    processes = {process.pid: process for process in found}
    for process in list(processes.values()):
        with suppress(psutil.Error):
            processes |= {child.pid: child for child in process.children(recursive=True)}
    processes.pop(os.getpid(), None)
    return [process for process in processes.values() if not _is_zombie(process)]


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """Return this user's processes that have the variable with that value."""
    return [process for process in _all() if _mark(process, variable) == mark]


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll ``condition`` until it is true, and return whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _all() -> Iterator[psutil.Process]:

    us = os.getuid()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.uids().real == us:
                yield process


def _mark(process: psutil.Process, variable: str) -> str | None:
    """Return the variable's value, "" if unset, None if unknown, as for macOS's own programs."""
    try:
        env = process.environ()
    except (psutil.Error, OSError):
        return None
    return env.get(variable, "") if env else None


def _is_zombie(process: psutil.Process) -> bool:

    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
