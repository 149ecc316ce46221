"""Use cases over all providers at once: one that is down does not hide what the others know."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from os2cli.errors import Conflict, NotFound, Os2Error
from os2cli.interrupts import Shielded
from os2cli.machines import Removal, find_machine, list_with_health, side_by_side
from os2cli.models import Machine, MachineType
from os2cli.providers.base import MachineProvider

# Made when asked: a provider that can't even be made is one that does not answer.
Fleet = Mapping[MachineType, Callable[[], MachineProvider]]
_Answer = TypeVar("_Answer")
# A shell's completion waits for no longer.
NAMES_SECONDS = 0.9


@dataclass(frozen=True, slots=True)
class Listing:
    """The machines of the providers that answered, and why the others did not."""

    machines: tuple[Machine, ...]
    failures: Mapping[MachineType, Os2Error] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether there may be machines that are not in it."""
        return bool(self.failures)


def list_fleet(fleet: Fleet, stage: str | None = None) -> Listing:
    """Every machine with its health, sorted by name; the providers are asked side by side.

    Raises the failure when there is but one provider, or all of them fail.
    """
    answers, failures = _ask_all(fleet, lambda provider: list_with_health(provider, stage))
    if not answers and failures:
        raise next(iter(failures.values()))
    machines = [machine for found in answers.values() for machine in found]
    return Listing(tuple(sorted(machines, key=lambda m: (m.name, m.type.value))), failures)


def find_in_fleet(fleet: Fleet, name: str, stage: str | None = None) -> Machine:
    """One machine by its name, wherever it is.

    Raises:
        Conflict: several providers have one of that name.
        NotFound: none has; the failure of a provider that did not answer is raised instead.
    """
    provider = _holder(fleet, name, stage)
    return find_machine(provider, name)


def remove_from_fleet(
    fleet: Fleet, names: Sequence[str], stage: str | None = None
) -> list[Removal]:
    """Remove machines wherever they are, side by side; one failure does not stop the others."""

    def remove(name: str) -> Removal:
        try:
            return Removal(name, _holder(fleet, name, stage).remove(name))
        except NotFound:
            return Removal(name, removed=False)
        except Os2Error as error:
            return Removal(name, removed=False, error=error)

    return side_by_side(remove, names)


def locate(fleet: Fleet, names: Sequence[str], stage: str | None = None) -> list[Machine]:
    """Those of the machines that exist and whose provider answers."""
    found = [_ask_all(fleet, _question(name, stage))[0].values() for name in names]
    return [machine for answers in found for machine in answers if machine is not None]


def fleet_names(fleet: Fleet, within: float = NAMES_SECONDS) -> list[str]:
    """The names of all machines of the providers that answer ``within`` so many seconds."""
    deadline = time.monotonic() + within
    pending = [Shielded(partial(_names, make)) for make in fleet.values()]
    answers = [each.late_answer(max(0.0, deadline - time.monotonic())) for each in pending]
    return sorted({name for names in answers for name in names or ()})


def _names(make: Callable[[], MachineProvider]) -> list[str]:
    return [machine.name for machine in make().list()]


def _holder(fleet: Fleet, name: str, stage: str | None) -> MachineProvider:
    answers, failures = _ask_all(fleet, _question(name, stage))
    holders = [type_ for type_, machine in answers.items() if machine is not None]
    if len(holders) == 1:
        return fleet[holders[0]]()
    if holders:
        places = " and ".join(type_.value for type_ in holders)
        raise Conflict(
            f"there is a machine named {name} on {places}",
            hint=f"say which one: --type {holders[0].value}",
            code="machine_ambiguous",
        )
    if failures:
        raise next(iter(failures.values()))
    raise NotFound(
        f"there is no machine named {name}{f' in stage {stage}' if stage else ''}",
        hint="os2 machine list shows those that exist",
        code="machine_not_found",
    )


def _question(name: str, stage: str | None) -> Callable[[MachineProvider], Machine | None]:
    def named(provider: MachineProvider) -> Machine | None:
        try:
            machine = provider.get(name)
        except NotFound:
            return None
        return machine if stage in (None, machine.stage) else None

    return named


def _ask_all(
    fleet: Fleet, question: Callable[[MachineProvider], _Answer]
) -> tuple[dict[MachineType, _Answer], dict[MachineType, Os2Error]]:
    """What each provider answers, and what each of the others failed with."""

    def ask(type_: MachineType) -> _Answer | Os2Error:
        try:
            return question(fleet[type_]())
        except Os2Error as error:
            return error

    outcomes = dict(zip(fleet, side_by_side(ask, list(fleet)), strict=True))
    answers = {t: o for t, o in outcomes.items() if not isinstance(o, Os2Error)}
    failures = {t: o for t, o in outcomes.items() if isinstance(o, Os2Error)}
    return answers, failures
