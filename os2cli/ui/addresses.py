"""The machine that a URL names, and the paths and subjects of machines."""

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
    """Return the path of a machine's page, or of one below it."""
    path = f"/machines/{quote(machine.type, safe='')}/{quote(machine.name, safe='')}{below}"
    # Names are unique on this host; on a shared provider only within a stage.
    return f"{path}?{urlencode({'stage': machine.stage})}" if is_shared(machine) else path


def subject_of(machine: Machine) -> str:
    """Return the subject of jobs about this machine."""
    return subject(machine.type, machine.stage if is_shared(machine) else None, machine.name)


def subject(type_: MachineType, stage: str | None, name: str) -> str:
    """Return the subject of jobs about a machine that may not exist yet."""
    return f"{type_}/{stage or ''}/{name}"


def is_shared(machine: Machine) -> bool:
    """Return whether other users also see the machine."""
    return entries()[machine.type].shared


def possible_verbs(machine: Machine) -> list[str]:
    """Return the verbs that the machine's state allows, the likeliest first."""
    if machine.state is MachineState.REMOVING or not machine.startable:
        return [REMOVE]
    runs = machine.state in (MachineState.RUNNING, MachineState.CREATING)
    verbs = [Verb.RESTART, Verb.STOP] if runs else [Verb.START]
    if entries()[machine.type].shared and not machine.archived:
        verbs.append(Verb.ARCHIVE)
    return [*(verb.value for verb in verbs), REMOVE]


class MachineRef:
    """The machine that a URL names, as on the command line."""

    def __init__(self, request: HTTPConnection) -> None:
        self.type = parse_type(request.path_params["type"])
        self.name = validate_machine_name(request.path_params["name"])
        stage = request.query_params.get("stage") or None
        self.stage = validate_stage(stage, "stage") if stage else None

    def locate(self, session: Session) -> LocatedMachine:
        """Find the machine.

        Raises:
            NotFound: No machine has exactly this name.
        """
        located = find_one(session, self.name, self.type, self.stage)
        if located.machine.name != self.name:
            raise NotFound(
                f"machine {self.name} not found",
                hint="list the machines: os2 machine list",
                code="machine_not_found",
            )
        return located
