"""The documents of limits and of ``machine stats``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from os2cli.core.limits import Limits, Usage
from os2cli.machines.usage import Reading
from os2cli.output.documents.document import Document
from os2cli.output.documents.errors import FailureDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsDocument:
    """The limits of a machine; null: none, or not known."""

    cpus: float | None
    memory_bytes: int | None
    processes: int | None
    disk_bytes: int | None
    log_bytes: int | None

    @classmethod
    def of(cls, limits: Limits) -> LimitsDocument:
        """Describe limits."""
        return cls(
            cpus=limits.cpus,
            memory_bytes=limits.memory_bytes,
            processes=limits.processes,
            disk_bytes=limits.disk_bytes,
            log_bytes=limits.log_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDocument(Document):
    """What a machine uses; null is not known. ``error`` tells why nothing is."""

    name: str
    type: str | None
    cpu_percent: float | None
    memory_bytes: int | None
    processes: int | None
    disk_bytes: int | None
    limits: LimitsDocument
    error: FailureDocument | None

    @classmethod
    def of(cls, reading: Reading) -> UsageDocument:
        """Describe a reading."""
        usage = reading.usage or Usage()
        return cls(
            name=reading.name,
            type=reading.machine.type if reading.machine else None,
            cpu_percent=None if usage.cpu_percent is None else round(usage.cpu_percent, 1),
            memory_bytes=usage.memory_bytes,
            processes=usage.processes,
            disk_bytes=usage.disk_bytes,
            limits=LimitsDocument.of(usage.limits),
            error=FailureDocument.of(reading.error) if reading.error else None,
        )


class UsageList(list[UsageDocument]):
    """``machine stats``: an array; with ``--watch``, an item on each line."""

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> UsageList:
        """Describe readings."""
        return cls(UsageDocument.of(reading) for reading in readings)
