"""Use case: which machines are left over, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from os2cli.core.models import Machine, MachineState

# A create takes minutes at most; what is still one after that has nobody who waits for it.
CREATING_AGE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A machine that may go, and why."""

    machine: Machine
    why: str


def find_leftovers(
    machines: Iterable[Machine], now: datetime, older_than: timedelta | None = None
) -> list[Leftover]:
    """The machines that expired, that nobody finished creating or that their provider gave up.

    ``older_than`` adds those that were made so long ago, whatever they are at.
    """
    found = ((machine, _why(machine, now, older_than)) for machine in machines)
    return [Leftover(machine, why) for machine, why in found if why is not None]


def _why(machine: Machine, now: datetime, older_than: timedelta | None) -> str | None:
    age = now - machine.created
    if machine.state is MachineState.REMOVING:
        return None
    if machine.expires is not None and machine.expires <= now:
        return "expired"
    if machine.state is MachineState.CREATING and age > CREATING_AGE:
        return "never finished"
    # One that ended by itself has no reason of its provider's: somebody may want to look into it.
    if machine.state is MachineState.FAILED and machine.reason:
        return f"failed: {machine.reason}"
    if older_than is not None and age > older_than:
        return "old"
    return None
