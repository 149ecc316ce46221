"""Which machines a command or a page is about, and whether its user means it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from os2cli.app.confirmation import confirm, question, unattended
from os2cli.app.session import Session
from os2cli.core.errors import Os2Error, UsageError
from os2cli.core.models import LOCAL_DOCKER, Machine, MachineType
from os2cli.core.stage import is_guarded_stage
from os2cli.machines.filters import Query
from os2cli.machines.fleet import Listing, LocatedMachine, list_fleet, locate, locate_all
from os2cli.machines.health import machines_of_stage
from os2cli.providers.entry import entries

# Of commands whose name is not the word for what they do.
WORDS = {"rm": "remove"}


@dataclass(frozen=True, slots=True)
class Selection:
    """What the command line named: machines, or all of them.

    ``verb`` is the command's own, e.g. ``rm``; ``stage`` the one that was given.
    """

    verb: str
    names: Sequence[str]
    everything: bool
    type_: MachineType | None
    stage: str | None

    def check(self) -> None:
        """Raise ``UsageError`` unless either names or --all were given."""
        if bool(self.names) == self.everything:
            raise UsageError(
                f"name the machines to {WORDS.get(self.verb, self.verb)}, or pass --all",
                hint="os2 machine list shows those that exist",
                code="machine_names_missing",
            )


@dataclass(frozen=True, slots=True)
class Matches:
    """Where the machines are, or why that is not known; ``stage`` is what names are within."""

    places: Mapping[str, LocatedMachine | Os2Error]
    stage: str | None

    @property
    def guarded(self) -> list[Machine]:
        """Those that others work with, and whose change is therefore asked about."""
        machines = [p.machine for p in self.places.values() if isinstance(p, LocatedMachine)]
        return [m for m in machines if is_guarded(m)]


def is_guarded(machine: Machine) -> bool:
    """Whether others work with the machine, in staging or in production."""
    return entries()[machine.type].shared and is_guarded_stage(machine.stage)


def find_one(
    session: Session, name: str, type_: MachineType | None, stage: str | None
) -> LocatedMachine:
    """Where the machine of that name is.

    Raises:
        Conflict: several providers have one of that name.
        NotFound: none has.
    """
    within = stage
    if includes_shared(session, type_):
        within = session.stage_if_set(stage)
    return locate(session.providers.fleet(type_, within), name, stage)


def in_scope(machine: Machine, within: str | None, explicit: str | None) -> bool:
    """Whether a machine is meant when none is named.

    Those on this host are, unless a stage was given explicitly; shared ones are when they belong
    to the stage, if there is one.
    """
    wanted = within if entries()[machine.type].shared else explicit
    return wanted is None or machine.stage == wanted


def gather(
    session: Session,
    type_: MachineType | None,
    stage: str | None,
    query: Query,
    *,
    all_stages: bool,
    tolerant: bool = False,
) -> Listing:
    """The machines that are meant, and how many of other stages were left out."""
    listing = list_fleet(session.providers.fleet(type_), stage, tolerant=tolerant)
    within = stage
    if includes_shared(session, type_) and not all_stages:
        within = session.stage_if_set(stage)
    near = [machine for machine in listing.machines if in_scope(machine, within, stage)]
    far = len(listing.machines) - len(near)
    return replace(listing, machines=tuple(query.apply(near)), elsewhere=far)


def find(session: Session, selection: Selection) -> Matches:
    """Look for the machines; one that is not found is no failure yet."""
    selection.check()
    names, stage = list(dict.fromkeys(selection.names)), selection.stage
    if selection.everything:
        names, stage = _everything(session, selection)
    within = stage
    if includes_shared(session, selection.type_):
        within = session.stage_if_set(stage, changing=True)
    fleet = session.providers.fleet(selection.type_, within)
    return Matches(locate_all(fleet, names, stage), within)


def includes_shared(session: Session, type_: MachineType | None) -> bool:
    """Whether machines may be meant that others see, too."""
    return any(entry.shared for entry in session.providers.asked(type_))


def _everything(session: Session, selection: Selection) -> tuple[list[str], str | None]:
    """What --all means: every machine on this host of a type, or the shared ones of the stage."""
    type_, stage = selection.type_, selection.stage
    if type_ is None and includes_shared(session, None):
        types = " or ".join(f"--type {entry.type}" for entry in session.providers.asked(None))
        raise UsageError(
            "--all needs to be told where, since a key for Daytona is set",
            hint=f"os2 machine {selection.verb} --all {types}",
            code="type_missing",
        )
    type_ = type_ or LOCAL_DOCKER
    if entries()[type_].shared:
        stage = session.remote_stage(stage).name
    found = machines_of_stage(session.providers.machines(type_, stage), stage)
    return [machine.name for machine in found], stage


def confirm_change(
    session: Session, selection: Selection, matches: Matches, *, always: bool
) -> bool:
    """Return whether it may be done: asked where others are concerned, or ``always``.

    Raises:
        UsageError: there is no terminal; the hint is the command that needs no answer.
    """
    if not matches.places or not (matches.guarded or always):
        return True
    names = list(matches.places)
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
    session.output.note(f"This {verb}s: {', '.join(names)}")
    asked = question(verb, len(names), "machine", guarded_stage)
    return confirm(session.output, asked, instead=instead, guarded_stage=guarded_stage)
