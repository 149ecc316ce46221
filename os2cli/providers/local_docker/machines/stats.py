"""What a container uses, and what was killed in it for memory."""

from __future__ import annotations

import re
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from os2cli.core.errors import Os2Error
from os2cli.core.limits import Isolation, Usage
from os2cli.core.models import Command, Machine
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.executions import Execution
from os2cli.providers.local_docker.machines.shapes import items, number

# The kernel's counters, of cgroup v2 and of v1; the engine has none in its API, and on a Mac this
# host has no files of them.
_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_KILLS = re.compile(rb"^oom_kill (\d{1,9})$", re.MULTILINE)
_MAX_COUNTERS_BYTES = 4096


def container_usage(engine: Engine, machine: Machine, *, disk: bool) -> Usage:
    """Ask the engine what a container uses; it compares two samples, a second apart."""
    with engine.errors(f"reading the usage of machine {machine.name}"):
        stats = engine.client.stats(machine.id, stream=False)
    usage = usage_of(stats, machine)
    if disk and machine.isolation is not Isolation.STRICT:
        usage = replace(usage, disk_bytes=_written(engine, machine))
    return usage


def usage_of(stats: Any, machine: Machine) -> Usage:
    """Return the usage in an answer of the engine; what it does not have is not known."""
    used = number(stats, "memory_stats", "usage")
    # Pages of files that the kernel drops when it needs memory, in cgroup v2 and v1.
    cached = number(stats, "memory_stats", "stats", "inactive_file")
    cached = number(stats, "memory_stats", "stats", "total_inactive_file") or cached or 0
    return Usage(
        cpu_percent=_cpu_percent(stats),
        memory_bytes=None if used is None else max(used - cached, 0),
        processes=number(stats, "pids_stats", "current"),
        limits=machine.limits,
    )


def memory_kills(engine: Engine, machine: Machine) -> int:
    """Return the kernel's count of programs that it killed for memory since the machine started."""
    execution = Execution(engine, machine.id, f"reading the state of machine {machine.name}")
    text = b""
    with closing(execution.output(Command(("cat", *_COUNTERS)))) as chunks:
        for chunk in chunks:
            text += chunk
            if len(text) > _MAX_COUNTERS_BYTES:
                break
    return max((int(count) for count in _KILLS.findall(text)), default=0)


def _written(engine: Engine, machine: Machine) -> int | None:
    """Return the size of the container's own layer: without its volumes, so not of ``strict``."""
    with suppress(Os2Error), engine.errors(f"reading the disk usage of machine {machine.name}"):
        found = engine.client.containers(all=True, size=True, filters={"id": machine.id})
        for container in items(found):
            return number(container, "SizeRw") or 0
    return None


def _cpu_percent(stats: Any) -> float | None:
    used = _increase(stats, "cpu_usage", "total_usage")
    elapsed = _increase(stats, "system_cpu_usage")
    cpus = number(stats, "cpu_stats", "online_cpus") or 1
    return used / elapsed * cpus * 100 if used is not None and elapsed else None


def _increase(stats: Any, *path: str) -> int | None:
    """Return by how much a counter grew between the two samples."""
    now, before = number(stats, "cpu_stats", *path), number(stats, "precpu_stats", *path)
    return None if now is None or before is None else max(now - before, 0)
