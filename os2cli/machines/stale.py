"""Use case: find the machines to prune, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from os2cli.core.models import Machine, MachineState

# A create takes minutes at most; after this, no client waits for it any more.
CREATING_AGE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A machine that may be pruned, and why."""

    machine: Machine
    why: str


def find_leftovers(
    machines: Iterable[Machine], now: datetime, older_than: timedelta | None = None
) -> list[Leftover]:
    """Return machines that expired, whose create never finished, or that their provider gave up.

    ``older_than`` adds all that are older, in any state.
    """
    reasons = ((machine, _why(machine, now, older_than)) for machine in machines)
    return [Leftover(machine, why) for machine, why in reasons if why is not None]


def _why(machine: Machine, now: datetime, older_than: timedelta | None) -> str | None:
    age = now - machine.created
    if machine.state is MachineState.REMOVING:
        return None
    if machine.expires is not None and machine.expires <= now:
        return "expired"
    if machine.unfinished or (machine.state is MachineState.CREATING and age > CREATING_AGE):
        return "never finished"
    # A machine that exited by itself has no provider's reason: the user may want to look into it.
    if machine.state is MachineState.FAILED and machine.reason:
        return f"failed: {machine.reason}"
    if older_than is not None and age > older_than:
        return "old"
    return None
