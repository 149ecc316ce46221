"""What ``up`` and the ``machine`` commands show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from os2cli.errors import PartlyDone
from os2cli.models import Health, Machine, MachineState
from os2cli.output import Output
from os2cli.output.words import age, time_left

if TYPE_CHECKING:
    from pydantic import BaseModel

    from os2cli.fleet import Listing

NO_ISOLATION = "none: what runs in it runs on this host as you"


def show_machine_line(output: Output, machine: Machine) -> None:
    """The result of making a machine: its name and its URL."""
    output.result(
        lambda: _document(machine),
        names=[machine.name],
        human=lambda: output.line(f"{machine.name}  {machine.url or machine.state.value}"),
    )


def show_created(output: Output, machines: Sequence[Machine], *, one: bool) -> None:
    """The result of ``machine create``: one machine, or a list when several were asked for."""
    if one:
        show_machine_line(output, machines[0])
        return

    def document() -> BaseModel:
        from os2cli.documents.machines import MachineDocument, MachineList

        return MachineList([MachineDocument.of(machine) for machine in machines])

    def human() -> None:
        for machine in machines:
            output.line(f"{machine.name}  {machine.url or machine.state.value}")

    output.result(document, names=[machine.name for machine in machines], human=human)


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
        output.warn(f"the machines on {type_} are not known: {error.message}", error.hint)
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
            (m.name, _state(m), m.url or "-", m.type, m.stage, m.snapshot, age(m.created))
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
        ("type", machine.type),
        ("state", _state(machine)),
        ("url", machine.url or "-"),
        ("stage", machine.stage),
        ("snapshot", machine.snapshot),
        ("owner", machine.owner),
        ("created", f"{machine.created:%Y-%m-%d %H:%M:%S} UTC ({age(machine.created)})"),
        *([("expires", time_left(machine.expires))] if machine.expires else []),
        *([] if machine.isolated else [("isolation", NO_ISOLATION)]),
        ("reached by", _reached_by(machine)),
        ("id", machine.id),
        *(("label", f"{key}={value}") for key, value in sorted(machine.labels.items())),
    ]


def _reached_by(machine: Machine) -> str:
    if machine.port is not None:
        return "this host only"
    return "anybody who has the URL" if machine.public else "its owners only"
