"""What a machine is isolated from, what it may use, and what it uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Isolation(StrEnum):
    """How much a machine on an engine is kept from the host and from other machines.

    ``strict`` is ``default`` with a root file system that cannot be written; ``off`` leaves
    everything to the engine.
    """

    STRICT = "strict"
    DEFAULT = "default"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Resources:
    """The limits that a user asks for; None leaves the provider's default."""

    cpu: float | None = None
    memory_bytes: int | None = None
    log_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force; None: none, or not known.

    ``log_bytes`` is what the provider keeps of the machine's output.
    """

    cpus: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    disk_bytes: int | None = None
    log_bytes: int | None = None


def binary_size(count: int) -> str:
    """Return a number of bytes as memory is counted, e.g. ``2 GiB``."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if count >= unit:
            return f"{count / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{count / 1024:.0f} KiB"


def killed_for_memory(limits: Limits) -> str:
    """Return the line about a program that the kernel killed, with the limit that it met."""
    limit = f"limit {binary_size(limits.memory_bytes)}" if limits.memory_bytes else "no limit"
    return f"killed for memory: {limit} (--memory)"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a machine uses at one moment; None is not known.

    ``cpu_percent`` is 100 for one busy CPU; ``disk_bytes`` is what it wrote beside its image.
    """

    cpu_percent: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    disk_bytes: int | None = None
    limits: Limits = field(default_factory=Limits)
