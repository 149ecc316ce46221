"""Use cases over all providers at once: one that is down does not hide the others' machines."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial

from os2cli.core.errors import Conflict, NotFound, Os2Error
from os2cli.core.left_out import record_left_out
from os2cli.core.models import Machine, MachineType, Removal
from os2cli.core.observed import record_change
from os2cli.host.concurrency import NAMES_SECONDS, ask_all, concurrently, names_within, outcomes
from os2cli.machines.health import ALL, Glance, list_with_health, machines_of_stage
from os2cli.machines.provider import MachineProvider

# Created when asked: a provider that cannot be created counts as one that does not answer.
Fleet = Mapping[MachineType, Callable[[], MachineProvider]]
GRACE_SECONDS = 1.0
_WAKE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Listing:
    """The machines of the providers that answered, and the failures of the others.

    ``elsewhere`` is the number of machines of other stages, which are left out.
    """

    machines: tuple[Machine, ...]
    failures: Mapping[MachineType, Os2Error] = field(default_factory=dict)
    elsewhere: int = 0

    @property
    def partial(self) -> bool:
        """Whether machines may be missing from the listing."""
        return bool(self.failures)


@dataclass(frozen=True, slots=True)
class LocatedMachine:
    """A machine and its provider; with ``remnant``, only what is left of the machine."""

    machine: Machine
    provider: MachineProvider
    remnant: bool = False

    @property
    def name(self) -> str:
        """The machine's name, which is unique on its provider only."""
        return self.machine.name


@dataclass(frozen=True, slots=True)
class NotLocated:
    """A name that leads to no machine, and why."""

    name: str
    error: Os2Error


Place = LocatedMachine | NotLocated


def list_fleet(
    fleet: Fleet, stage: str | None = None, *, glance: Glance = ALL, tolerant: bool = False
) -> Listing:
    """List all machines, sorted by name; the providers are asked concurrently.

    ``glance`` tells what else is asked for, by default health and URL of each.

    Raises the first failure if every provider fails, unless ``tolerant``.
    """
    answers, failures = ask_all(fleet, lambda one: list_with_health(one, stage, glance))
    if not answers and failures and not tolerant:
        raise next(iter(failures.values()))
    machines = [machine for answer in answers.values() for machine in answer]
    return Listing(tuple(sorted(machines, key=lambda m: (m.name, m.type))), failures)


def locate_remnants(fleet: Fleet, stage: str | None = None) -> list[LocatedMachine]:
    """Locate what is left of machines that no longer exist, on the providers that answer."""
    answers, failures = ask_all(fleet, lambda one: one.remnants())
    for type_, error in failures.items():
        record_left_out(f"what is left of machines on {type_} ({error.message})")
    return [
        LocatedMachine(machine, fleet[type_](), remnant=True)
        for type_, machines in answers.items()
        for machine in machines
        if stage in (None, machine.stage)
    ]


def or_remnants(fleet: Fleet, places: Sequence[Place], stage: str | None) -> list[Place]:
    """Return the places, with what is left of machines where only that is found."""
    missing = {place.name for place in places if isinstance(place, NotLocated)}
    remnants = locate_remnants(fleet, stage) if missing else []
    left = {place.name: place for place in remnants if place.name in missing}
    return [left.get(place.name, place) for place in places]


def locate(fleet: Fleet, name: str, stage: str | None = None) -> LocatedMachine:
    """Locate the machine of that name.

    Once one provider has it, the others get a second more, so that one that hangs does not hide a
    machine that is known.

    Raises:
        Conflict: several providers have one.
        NotFound: no provider has one; the failure of one that did not answer is raised instead.
    """
    found, failures = _ask_for(fleet, name, stage)
    if len(found) == 1:
        return found[0]
    if found:
        types = [place.provider.type for place in found]
        raise Conflict(
            f"machine {name} exists on {' and '.join(types)}",
            hint=f"choose one: --type {types[0]}",
            code="machine_ambiguous",
        )
    if failures:
        raise failures[0]
    raise NotFound(
        f"machine {name} not found{f' in stage {stage}' if stage else ''}",
        hint="list the machines: os2 machine list",
        code="machine_not_found",
    )


def locate_all(fleet: Fleet, names: Sequence[str], stage: str | None = None) -> list[Place]:
    """Locate the machines concurrently."""
    answers = outcomes(lambda name: locate(fleet, name, stage), names)
    return [
        NotLocated(name, found) if isinstance(found, Os2Error) else found
        for name, found in zip(names, answers, strict=True)
    ]


def located(places: Iterable[Place]) -> list[LocatedMachine]:
    """Return the places that were found."""
    return [place for place in places if isinstance(place, LocatedMachine)]


def remove_located(places: Sequence[Place]) -> list[Removal]:
    """Remove machines concurrently; one failure does not stop the others."""
    record_change(*(place.machine.type for place in located(places)))
    return concurrently(_remove, places)


def _remove(place: Place) -> Removal:
    try:
        if isinstance(place, NotLocated):
            raise place.error
        provider = place.provider
        remove = provider.remove_remnant if place.remnant else provider.remove
        return Removal(place.name, remove(place.name))
    except NotFound:
        return Removal(place.name, removed=False)
    except Os2Error as error:
        return Removal(place.name, removed=False, error=error)


def fleet_names(fleet: Fleet, within: float = NAMES_SECONDS) -> list[str]:
    """Return the names of all machines on the providers that answer ``within`` these seconds."""
    return names_within(within, [partial(_names, make) for make in fleet.values()])


def _names(make: Callable[[], MachineProvider]) -> list[str]:
    return [machine.name for machine in machines_of_stage(make(), None)]


def _ask_for(
    fleet: Fleet, name: str, stage: str | None
) -> tuple[list[LocatedMachine], list[Os2Error]]:
    """Return the machine on each provider that has it, in the fleet's order, and the failures."""
    answers: queue.SimpleQueue[tuple[MachineType, LocatedMachine | BaseException | None]]
    answers = queue.SimpleQueue()

    def ask(type_: MachineType) -> None:
        try:
            answers.put((type_, _place(fleet[type_](), name, stage)))
        except BaseException as error:  # noqa: BLE001  # raised again below
            answers.put((type_, error))

    for type_ in fleet:
        run = copy_context().run
        threading.Thread(target=run, args=(ask, type_), daemon=True).start()
    outcomes: dict[MachineType, LocatedMachine | Os2Error | None] = {}
    deadline = math.inf
    while len(outcomes) < len(fleet) and time.monotonic() < deadline:
        with suppress(queue.Empty):
            type_, outcome = answers.get(timeout=_WAKE_SECONDS)
            if isinstance(outcome, BaseException) and not isinstance(outcome, Os2Error):
                raise outcome
            outcomes[type_] = outcome
            if isinstance(outcome, LocatedMachine):
                deadline = time.monotonic() + GRACE_SECONDS
    known = [outcomes.get(type_) for type_ in fleet]
    places = [outcome for outcome in known if isinstance(outcome, LocatedMachine)]
    return places, [outcome for outcome in known if isinstance(outcome, Os2Error)]


def _place(provider: MachineProvider, name: str, stage: str | None) -> LocatedMachine | None:
    try:
        machine = provider.get(name)
    except NotFound:
        return None
    # A label may name another machine, which verbs would then change.
    found = machine.name == name and stage in (None, machine.stage)
    return LocatedMachine(machine, provider) if found else None
