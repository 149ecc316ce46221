"""Select the machines of a command or a page, and confirm changes to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from os2cli.app.confirmation import confirm, question, unattended
from os2cli.app.session import Session
from os2cli.core.errors import UsageError
from os2cli.core.models import Machine, MachineType
from os2cli.core.stage import is_guarded_stage
from os2cli.machines.filters import Query
from os2cli.machines.fleet import (
    Listing,
    LocatedMachine,
    Place,
    list_fleet,
    locate,
    locate_all,
    locate_remnants,
    located,
    or_remnants,
)
from os2cli.machines.health import ALL, Glance, machines_of_stage
from os2cli.providers.entry import entries

# For commands whose name is not a verb.
REMOVE = "rm"
WORDS = {REMOVE: "remove"}


@dataclass(frozen=True, slots=True)
class Selection:
    """The machines that the command line names, or all of them.

    ``verb`` is the command's name, e.g. ``rm``; ``stage`` is the value of ``--stage``.
    """

    verb: str
    names: Sequence[str]
    everything: bool
    type_: MachineType | None
    stage: str | None

    def check(self) -> None:
        """Raise ``UsageError`` unless either names or ``--all`` are present."""
        if self.names and self.everything:
            raise UsageError(
                "names and --all contradict each other",
                hint="leave one of them out",
                code="machine_names_missing",
            )
        if not self.names and not self.everything:
            raise UsageError(
                f"name the machines to {WORDS.get(self.verb, self.verb)}, or pass --all",
                hint="list the machines: os2 machine list",
                code="machine_names_missing",
            )


@dataclass(frozen=True, slots=True)
class Matches:
    """The places of the machines; names are unique within ``stage``."""

    places: Sequence[Place]
    stage: str | None

    @property
    def guarded(self) -> list[Machine]:
        """The machines that others work with, so that a change needs a confirmation."""
        return [place.machine for place in located(self.places) if is_guarded(place.machine)]


def is_guarded(machine: Machine) -> bool:
    """Return whether others work with the machine, in staging or production."""
    return entries()[machine.type].shared and is_guarded_stage(machine.stage)


def find_one(
    session: Session, name: str, type_: MachineType | None, stage: str | None
) -> LocatedMachine:
    """Locate the machine of that name.

    Raises:
        Conflict: several providers have one.
        NotFound: no provider has one.
    """
    within = stage
    if includes_shared(session, type_):
        within = session.stage_if_set(stage)
    return locate(session.providers.fleet(type_, within), name, stage)


def in_scope(machine: Machine, within: str | None, explicit: str | None) -> bool:
    """Return whether a machine is in scope when none is named.

    Machines on this host are, unless ``explicit`` names another stage; shared ones are if they
    belong to the stage ``within``, or if that is None.
    """
    stage = within if entries()[machine.type].shared else explicit
    return stage is None or machine.stage == stage


def gather(
    session: Session,
    type_: MachineType | None,
    stage: str | None,
    query: Query,
    *,
    all_stages: bool,
    tolerant: bool = False,
    glance: Glance = ALL,
) -> Listing:
    """Return the machines in scope, and how many of other stages were left out.

    Only what ``glance`` and the filters need is asked for, and only of machines in scope.
    """
    within = stage
    if includes_shared(session, type_) and not all_stages:
        within = session.stage_if_set(stage)

    def shown(machine: Machine) -> bool:
        return in_scope(machine, within, stage) and query.may_take(machine)

    needed = replace(glance, health=glance.health or query.by_health, shown=shown)
    listing = list_fleet(session.providers.fleet(type_), stage, glance=needed, tolerant=tolerant)
    near = [machine for machine in listing.machines if in_scope(machine, within, stage)]
    far = len(listing.machines) - len(near)
    return replace(listing, machines=tuple(query.apply(near)), elsewhere=far)


def find(session: Session, selection: Selection) -> Matches:
    """Locate the machines; a missing one is not a failure yet."""
    selection.check()
    if selection.everything:
        return _everything(session, selection)
    names, stage = list(dict.fromkeys(selection.names)), selection.stage
    within = stage
    if includes_shared(session, selection.type_):
        within = session.stage_if_set(stage, changing=True)
    fleet = session.providers.fleet(selection.type_, within)
    places = locate_all(fleet, names, stage)
    if selection.verb == REMOVE:
        places = or_remnants(fleet, places, stage)
    return Matches(places, within)


def includes_shared(session: Session, type_: MachineType | None) -> bool:
    """Return whether machines that others also see may be in scope."""
    return any(entry.shared for entry in session.providers.asked(type_))


def _everything(session: Session, selection: Selection) -> Matches:
    """Return what ``--all`` means: the machines on this host or of a type, or a stage's shared."""
    type_, stage = selection.type_, selection.stage
    if type_ is None and includes_shared(session, None):
        types = " or ".join(f"--type {entry.type}" for entry in session.providers.asked(None))
        raise UsageError(
            "--all requires --type when a Daytona API key is set",
            hint=f"os2 machine {selection.verb} --all {types}",
            code="type_missing",
        )
    if type_ is not None and entries()[type_].shared:
        stage = session.remote_stage(stage).name
    fleet = session.providers.fleet(type_, stage)
    providers = [provider() for provider in fleet.values()]
    places = [LocatedMachine(m, each) for each in providers for m in machines_of_stage(each, stage)]
    if selection.verb == REMOVE:
        places += locate_remnants(fleet, stage)
    return Matches(places, stage)


def confirm_change(
    session: Session, selection: Selection, matches: Matches, *, always: bool
) -> bool:
    """Return whether to go on; ask for guarded machines, or ``always``.

    Raises:
        UsageError: there is no terminal; the hint is the command that needs no answer.
    """
    if not matches.places or not (matches.guarded or always):
        return True
    names = [place.name for place in matches.places]
    stage = matches.stage if matches.guarded else selection.stage
    instead = unattended(
        "os2 machine",
        selection.verb,
        *([] if selection.everything else names),
        all=selection.everything,
        type=selection.type_,
        stage=stage,
    )
    guarded_stage = stage if matches.guarded else None
    verb = WORDS.get(selection.verb, selection.verb)
    session.output.note(f"This {verb}s: {', '.join(_told_apart(matches.places))}")
    asked = question(verb, len(names), "machine", guarded_stage)
    return confirm(session.output, asked, instead=instead, guarded_stage=guarded_stage)


def _told_apart(places: Sequence[Place]) -> list[str]:
    """Return the names, with the type where two machines share one."""
    times = Counter(place.name for place in places)
    return [
        f"{place.name} ({place.machine.type})"
        if isinstance(place, LocatedMachine) and times[place.name] > 1
        else place.name
        for place in places
    ]
