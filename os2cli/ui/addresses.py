"""The machine that an address names, and the addresses and subjects of machines."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.requests import HTTPConnection

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.core.errors import NotFound
from os2cli.core.models import Machine, MachineState, MachineType, Verb
from os2cli.core.stage import validate_stage
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.names import validate_machine_name
from os2cli.providers.entry import entries, parse_type

REMOVE = "rm"


def machine_path(machine: Machine, below: str = "") -> str:
    """The address of a machine's page, or of one below it."""
    path = f"/machines/{quote(machine.type, safe='')}/{quote(machine.name, safe='')}{below}"
    # A name on this host is a machine; a shared one is so within its stage.
    return f"{path}?{urlencode({'stage': machine.stage})}" if is_shared(machine) else path


def subject_of(machine: Machine) -> str:
    """What a job about this machine is about."""
    return subject(machine.type, machine.stage if is_shared(machine) else None, machine.name)


def subject(type_: MachineType, stage: str | None, name: str) -> str:
    """The same of one that is not there yet."""
    return f"{type_}/{stage or ''}/{name}"


def is_shared(machine: Machine) -> bool:
    """Whether others see the machine, too."""
    return entries()[machine.type].shared


def possible_verbs(machine: Machine) -> list[str]:
    """What can be done in its state; the likeliest first."""
    runs = machine.state in (MachineState.RUNNING, MachineState.CREATING)
    verbs = [Verb.RESTART, Verb.STOP] if runs else [Verb.START]
    if entries()[machine.type].shared and not machine.archived:
        verbs.append(Verb.ARCHIVE)
    return [*(verb.value for verb in verbs), REMOVE]


class MachineRef:
    """The names in an address, as the command line would take them."""

    def __init__(self, request: HTTPConnection) -> None:
        self.type = parse_type(request.path_params["type"])
        self.name = validate_machine_name(request.path_params["name"])
        stage = request.query_params.get("stage") or None
        self.stage = validate_stage(stage, "stage") if stage else None

    def locate(self, session: Session) -> LocatedMachine:
        """Where the machine is.

        Raises:
            NotFound: there is none, also where a name of another kind is looked for.
        """
        located = find_one(session, self.name, self.type, self.stage)
        if located.machine.name != self.name:
            raise NotFound(
                f"there is no machine named {self.name}",
                hint="os2 machine list shows those that exist",
                code="machine_not_found",
            )
        return located
