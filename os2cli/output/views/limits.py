"""Limits in words."""

from __future__ import annotations

from os2cli.core.limits import Limits, binary_size


def limits_line(limits: Limits) -> str:
    """Return the limits in force in one line, empty if there are none."""
    parts = []
    if limits.cpus is not None:
        parts.append(f"{limits.cpus:g} CPU{'' if limits.cpus == 1 else 's'}")
    if limits.memory_bytes is not None:
        parts.append(f"{binary_size(limits.memory_bytes)} of memory")
    if limits.processes is not None:
        parts.append(f"{limits.processes} processes")
    if limits.disk_bytes is not None:
        parts.append(f"{binary_size(limits.disk_bytes)} of disk")
    if limits.log_bytes is not None:
        parts.append(f"{binary_size(limits.log_bytes)} of log")
    return ", ".join(parts)
