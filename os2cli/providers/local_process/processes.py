"""A machine's processes: found by the mark that all of them inherit, and never taken for others."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil

from os2cli.providers.local_process.records import ProcessId, Record
from os2cli.providers.local_process.s6.folders import LOGGER_VARIABLE, MARK_VARIABLE

POLL_SECONDS = 0.02
# Clocks that are set move the beginning of every process that the system tells.
SAME_BEGINNING_SECONDS = 2.0


def identify(pid: int) -> ProcessId:
    """A process that was just started; one that has ended already began at no time."""
    try:
        return ProcessId(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ProcessId(pid, 0.0)


def is_alive(process: ProcessId | None, variable: str, mark: str) -> bool:
    """Whether it is still that process: the number alone may be a stranger's by now."""
    if process is None:
        return False
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE:
            return False
        if abs(found.create_time() - process.began) > SAME_BEGINNING_SECONDS:
            return False
        return _mark(found, variable) in (mark, None)
    except psutil.Error:
        return False


def first_is_alive(record: Record) -> bool:
    """Whether the machine has its first process, the shell in which supervisor runs."""
    return is_alive(record.first, MARK_VARIABLE, record.id)


def logger_is_alive(record: Record) -> bool:
    """Whether somebody still writes the machine's log."""
    return is_alive(record.logger, LOGGER_VARIABLE, record.id)


def end_machine(record: Record, seconds: float) -> list[int]:
    """Ask the first process to end, then kill what is left; returns what could not be ended.

    ``seconds`` is the time for services to end; what they leave behind is killed at once.
    """
    if first_is_alive(record) and record.first is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(record.first.pid, signal.SIGTERM)
        until(lambda: _hurried_end(record), seconds)
    left = kill_all(lambda: of_machine(record.id), 2.0)
    # It ends by itself when it has heard everything.
    if not until(lambda: not logger_is_alive(record), 1.0) and record.logger is not None:
        _kill(record.logger.pid)
    return left + kill_all(lambda: marked(LOGGER_VARIABLE, record.id), 1.0)


def _hurried_end(record: Record) -> bool:
    """Whether the first process has ended; supervisor looks once a second, or when it is called."""
    if not first_is_alive(record):
        return True
    with suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(POLL_SECONDS)
        caller.connect(record.socket)
    return False


def kill_all(find: Callable[[], list[psutil.Process]], seconds: float) -> list[int]:
    """Kill until none is found: while one is killed, it may start another."""

    def none_left() -> bool:
        found = find()
        for process in found:
            _kill(process.pid)
        return not found

    return [] if until(none_left, seconds) else [process.pid for process in find()]


def of_machine(mark: str) -> list[psutil.Process]:
    """Everything in a machine: what has its mark, and what that has started."""
    found = {process.pid: process for process in marked(MARK_VARIABLE, mark)}
    for process in list(found.values()):
        with suppress(psutil.Error):
            found |= {child.pid: child for child in process.children(recursive=True)}
    found.pop(os.getpid(), None)
    return [process for process in found.values() if not _is_zombie(process)]


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """The processes of this user that hold a variable of that value."""
    return [process for process in _all() if _mark(process, variable) == mark]


def until(question: Callable[[], bool], seconds: float) -> bool:
    """Ask until the answer is yes; False when it is still no at the end."""
    deadline = time.monotonic() + seconds
    while not question():
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
    """Its value, empty without one; None when the system does not tell, as of a Mac's programs."""
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
