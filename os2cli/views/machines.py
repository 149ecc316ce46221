"""What ``up`` and the ``machine`` commands show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from os2cli.models import Health, Machine, MachineState
from os2cli.output import Output
from os2cli.output.words import age

if TYPE_CHECKING:
    from pydantic import BaseModel


def show_machine_line(output: Output, machine: Machine) -> None:
    """The result of making a machine: its name and its URL."""
    output.result(
        lambda: _document(machine),
        names=[machine.name],
        human=lambda: output.line(f"{machine.name}  {machine.url}"),
    )


def show_machine_table(output: Output, machines: Sequence[Machine]) -> None:
    """All machines, one a row."""

    def document() -> BaseModel:
        from os2cli.documents import MachineDocument, MachineList

        return MachineList([MachineDocument.of(machine) for machine in machines])

    def human() -> None:
        if not machines:
            output.note("no machines yet; create one with: os2 machine create")
            return
        output.table(
            ("NAME", "STATE", "URL", "STAGE", "SNAPSHOT", "CREATED"),
            [
                (m.name, _state(m), m.url or "-", m.stage, m.snapshot, age(m.created))
                for m in machines
            ],
            dispensable=("SNAPSHOT", "STAGE", "CREATED"),
        )

    output.result(document, names=[machine.name for machine in machines], human=human)


def show_machine_details(output: Output, machine: Machine) -> None:
    """One machine, a line for each of its properties."""

    def human() -> None:
        for label, value in _details(machine):
            output.line(f"{label:<10}{value}")

    output.result(lambda: _document(machine), names=[machine.name], human=human)


def _document(machine: Machine) -> BaseModel:
    from os2cli.documents import MachineDocument

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
        ("id", machine.id[:12]),
        *(("label", f"{key}={value}") for key, value in sorted(machine.labels.items())),
    ]
