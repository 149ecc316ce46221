"""What the processes of a machine use."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from os2cli.core.cancellation import pause
from os2cli.core.limits import Usage
from os2cli.providers.local_process.processes import of_machine

# Between the two samples of the CPU's time.
SAMPLE_SECONDS = 0.5


def usage_of_processes(mark: str, folder: Path, *, disk: bool) -> Usage:
    """Return what a machine's processes use, and with ``disk`` the files in its ``folder``.

    Memory that processes share counts for each of them.
    """
    processes = of_machine(mark, folder)
    before, began = _cpu_seconds(processes), time.monotonic()
    pause(SAMPLE_SECONDS)
    after, elapsed = _cpu_seconds(processes), time.monotonic() - began
    # A process that ended meanwhile is in neither sum.
    spent = sum(after[pid] - before[pid] for pid in before.keys() & after.keys())
    return Usage(
        cpu_percent=spent / elapsed * 100,
        memory_bytes=sum(_memory_bytes(process) for process in processes),
        processes=len(after),
        disk_bytes=_size(folder) if disk else None,
    )


def _cpu_seconds(processes: Iterable[psutil.Process]) -> dict[int, float]:
    seconds = {}
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system
    return seconds


def _memory_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _size(folder: Path) -> int:
    """Return what the files occupy on the disk; links are not followed."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(parent, name).lstat().st_blocks * 512
    return total
