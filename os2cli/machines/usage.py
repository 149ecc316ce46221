"""Use case: what machines use, asked of all of them at once, each with its own deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from os2cli.core.deadline import within
from os2cli.core.errors import Os2Error, TimedOut
from os2cli.core.limits import Usage
from os2cli.core.models import Machine, MachineState
from os2cli.host.interrupts import BackgroundCall
from os2cli.machines.fleet import LocatedMachine, Place
from os2cli.machines.next_steps import not_running
from os2cli.machines.provider import MachineProvider

USAGE_SECONDS = 5.0
KILLS_SECONDS = 2.0
DISK_ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Reading:
    """The usage of one machine, or why it is not known."""

    name: str
    machine: Machine | None = None
    usage: Usage | None = None
    error: Os2Error | None = None


def read_usage(
    places: Sequence[Place], *, disk: bool, seconds: float = USAGE_SECONDS
) -> list[Reading]:
    """Return a reading of each machine, in their order; none is waited for longer than ``seconds``.

    ``disk``: ask for the disk's usage, which is slow.
    """
    calls = [BackgroundCall(partial(_read, place, disk, seconds)) for place in places]
    deadline = time.monotonic() + seconds
    return [
        call.result_within(max(deadline - time.monotonic(), 0.0)) or _late(place, seconds)
        for place, call in zip(places, calls, strict=True)
    ]


class UsageReader:
    """Reads the usage of machines again and again; that of disks seldom, because it is slow."""

    def __init__(self, find: Callable[[], Sequence[Place]]) -> None:
        self._find = find
        self._rounds = 0
        self._disks: dict[str, int | None] = {}

    def read(self) -> list[Reading]:
        """Return a reading of each machine that is there now."""
        disk = self._rounds % DISK_ROUNDS == 0
        self._rounds += 1
        readings = read_usage(self._find(), disk=disk)
        if not disk:
            return [self._with_disk(reading) for reading in readings]
        self._disks = {r.machine.id: r.usage.disk_bytes for r in readings if r.machine and r.usage}
        return readings

    def _with_disk(self, reading: Reading) -> Reading:
        if reading.machine is None or reading.usage is None:
            return reading
        known = self._disks.get(reading.machine.id)
        return replace(reading, usage=replace(reading.usage, disk_bytes=known))


def _read(place: Place, disk: bool, seconds: float) -> Reading:
    if not isinstance(place, LocatedMachine):
        return Reading(place.name, error=place.error)
    machine = place.machine
    try:
        if machine.state is not MachineState.RUNNING:
            raise not_running(machine)
        with within(seconds):
            return Reading(place.name, machine, place.provider.usage(machine, disk=disk))
    except Os2Error as error:
        return Reading(place.name, machine, error=error)


def _late(place: Place, seconds: float) -> Reading:
    late = TimedOut(
        f"timed out after {seconds:g} s waiting for the usage of machine {place.name}",
        hint="see its state: os2 machine show " + place.name,
        code="usage_not_known",
    )
    machine = place.machine if isinstance(place, LocatedMachine) else None
    return Reading(place.name, machine, error=late)


def with_memory_kills(provider: MachineProvider, machine: Machine) -> Machine:
    """Return the machine with how many of its programs were killed for memory, if it tells soon."""
    if machine.state is not MachineState.RUNNING:
        return machine

    def ask() -> int:
        with within(KILLS_SECONDS):
            return provider.memory_kills(machine)

    kills = BackgroundCall(ask).result_within(KILLS_SECONDS)
    return replace(machine, memory_kills=kills or machine.memory_kills)
