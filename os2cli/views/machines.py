"""What ``up`` and the ``machine`` commands show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from os2cli.errors import PartlyDone
from os2cli.models import Health, Machine, MachineState, MachineType
from os2cli.output import Output
from os2cli.output.words import age

if TYPE_CHECKING:
    from pydantic import BaseModel

    from os2cli.fleet import Listing


def show_machine_line(output: Output, machine: Machine) -> None:
    """The result of making a machine: its name and its URL."""
    output.result(
        lambda: _document(machine),
        names=[machine.name],
        human=lambda: output.line(f"{machine.name}  {machine.url or machine.state.value}"),
    )


def show_machines(output: Output, listing: Listing) -> int:
    """All machines, one a row, and which providers did not answer; returns the exit status."""
    machines = listing.machines

    def document() -> BaseModel:
        from os2cli.documents.machines import MachineDocument, MachineList, PartialMachineList

        if listing.partial:
            return PartialMachineList.of(listing)
        return MachineList([MachineDocument.of(machine) for machine in machines])

    output.result(
        document,
        names=[machine.name for machine in machines],
        human=lambda: _show_table(output, listing),
    )
    for type_, error in listing.failures.items():
        output.warn(f"the machines on {type_.value} are not known: {error.message}", error.hint)
    return PartlyDone.exit_code if listing.partial else 0


def _show_table(output: Output, listing: Listing) -> None:
    machines = listing.machines
    if not machines:
        if not listing.partial:
            output.note("no machines yet; create one with: os2 machine create")
        return
    output.table(
        ("NAME", "STATE", "URL", "TYPE", "STAGE", "SNAPSHOT", "CREATED"),
        [
            (m.name, _state(m), m.url or "-", m.type.value, m.stage, m.snapshot, age(m.created))
            for m in machines
        ],
        dispensable=("SNAPSHOT", "CREATED", "STAGE", "TYPE"),
    )


def show_machine_details(output: Output, machine: Machine) -> None:
    """One machine, a line for each of its properties."""

    def human() -> None:
        for label, value in _details(machine):
            output.line(f"{label:<12}{value}")

    output.result(lambda: _document(machine), names=[machine.name], human=human)


def _document(machine: Machine) -> BaseModel:
    from os2cli.documents.machines import MachineDocument

    return MachineDocument.of(machine)


def _state(machine: Machine) -> str:
    if machine.state is MachineState.RUNNING and machine.health is not Health.HEALTHY:
        return "running, not healthy"
    return machine.state.value


def _details(machine: Machine) -> list[tuple[str, str]]:
    return [
        ("name", machine.name),
        ("type", machine.type.value),
        ("state", _state(machine)),
        ("url", machine.url or "-"),
        ("stage", machine.stage),
        ("snapshot", machine.snapshot),
        ("owner", machine.owner),
        ("created", f"{machine.created:%Y-%m-%d %H:%M:%S} UTC ({age(machine.created)})"),
        *([("reached by", _reached_by(machine))] if machine.type is MachineType.DAYTONA else []),
        ("id", machine.id[:12] if machine.type is MachineType.LOCAL_DOCKER else machine.id),
        *(("label", f"{key}={value}") for key, value in sorted(machine.labels.items())),
    ]


def _reached_by(machine: Machine) -> str:
    return "anybody who has the URL" if machine.public else "its owners only"
