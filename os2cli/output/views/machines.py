"""What ``up`` and the ``machine`` commands show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from os2cli.core.errors import PartlyDone
from os2cli.core.limits import Isolation, killed_for_memory
from os2cli.core.models import Health, Machine, MachineState
from os2cli.machines.fleet import Listing
from os2cli.output import Output
from os2cli.output.documents.machines import MachineDocument, MachineList, PartialMachineList
from os2cli.output.humanize import age, time_left
from os2cli.output.views.limits import limits_line

ISOLATION_OFF = "OFF: the engine's capabilities, and the network of other containers"
NO_ISOLATION = "none: its programs run on this host as your user"


def _state(machine: Machine) -> str:
    if machine.state is MachineState.RUNNING and machine.health is not Health.HEALTHY:
        return "running, not healthy"
    return "archived" if machine.archived else machine.state.value


def _type(machine: Machine) -> str:
    if not machine.isolated:
        return f"{machine.type} (no isolation)"
    off = machine.isolation is Isolation.OFF
    return f"{machine.type} (isolation off)" if off else machine.type


def _isolation(machine: Machine) -> str:
    if not machine.isolated:
        return NO_ISOLATION
    return ISOLATION_OFF if machine.isolation is Isolation.OFF else str(machine.isolation)


def _labels(machine: Machine) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(machine.labels.items()))


COLUMNS: dict[str, Callable[[Machine], str]] = {
    "name": lambda machine: machine.name,
    "state": _state,
    "url": lambda machine: machine.url or "-",
    "type": _type,
    "stage": lambda machine: machine.stage,
    "snapshot": lambda machine: machine.snapshot,
    "created": lambda machine: age(machine.created),
    "expires": lambda machine: time_left(machine.expires) if machine.expires else "-",
    "owner": lambda machine: machine.owner,
    "port": lambda machine: str(machine.port or "-"),
    "id": lambda machine: machine.id,
    "labels": lambda machine: _labels(machine) or "-",
}
DEFAULT_COLUMNS = ("name", "state", "url", "type", "stage", "snapshot", "created", "expires")
# Left out on a narrow terminal, the first named first.
DISPENSABLE = ("SNAPSHOT", "CREATED", "STAGE", "TYPE")


def show_machine_line(output: Output, machine: Machine) -> None:
    """Show the name and the URL of a machine."""
    output.result(
        MachineDocument.of(machine),
        lambda: output.line(f"{machine.name}  {machine.url or machine.state.value}"),
        names=[machine.name],
    )


def show_created(output: Output, machines: Sequence[Machine], *, one: bool) -> None:
    """Show one created machine, or a list of them."""
    if one:
        show_machine_line(output, machines[0])
        return

    def write_text() -> None:
        for machine in machines:
            output.line(f"{machine.name}  {machine.url or machine.state.value}")

    output.result(
        MachineList.of(machines), write_text, names=[machine.name for machine in machines]
    )


def show_machines(
    output: Output, listing: Listing, columns: Sequence[str], left_out: Sequence[str]
) -> int:
    """Show machines, one per row, and the providers that failed; return the exit code.

    ``left_out`` are those that cannot be read: a warning before, which a document replaces.
    """
    machines, partial = (
        listing.machines,
        bool(listing.partial or (left_out and output.invocation.json)),
    )
    document = PartialMachineList.of(listing, left_out) if partial else MachineList.of(machines)

    def write_text() -> None:
        if machines:
            headings, rows = machine_table(machines, columns)
            leave_out = DISPENSABLE if columns == DEFAULT_COLUMNS else ()
            output.table(headings, rows, dispensable=leave_out)
        elif not (partial or listing.elsewhere):
            output.note("no machines yet; to create one: os2 machine create")

    output.result(document, write_text, names=[machine.name for machine in machines])
    if listing.elsewhere:
        others = f"{listing.elsewhere} machine{'s' if listing.elsewhere > 1 else ''}"
        output.note(f"{others} of other stages: os2 machine list --all-stages")
    warn_of_failures(output, listing)
    return PartlyDone.exit_code if partial else 0


def warn_of_failures(output: Output, listing: Listing) -> None:
    """Warn of the providers that did not answer."""
    for type_, error in listing.failures.items():
        output.warn(f"cannot list machines on {type_}: {error.message}", error.hint)


def machine_table(
    machines: Sequence[Machine], columns: Sequence[str]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return headings and rows, by default without EXPIRES if no machine expires."""
    shown = list(columns)
    if columns == DEFAULT_COLUMNS and not any(machine.expires for machine in machines):
        shown.remove("expires")
    return [name.upper() for name in shown], [row_of(machine, shown) for machine in machines]


def row_of(machine: Machine, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a machine."""
    return tuple(COLUMNS[name](machine) for name in columns)


def show_machine_details(output: Output, machine: Machine) -> None:
    """Show one machine, one property per line."""

    def write_text() -> None:
        for label, value in _details(machine):
            output.line(f"{label:<12}{value}")

    output.result(MachineDocument.of(machine), write_text, names=[machine.name])


def _details(machine: Machine) -> list[tuple[str, str]]:
    has_choice = machine.isolation is not None or not machine.isolated
    return [
        ("name", machine.name),
        ("type", _type(machine)),
        ("state", _state(machine)),
        *([("reason", " ".join(machine.reason.split()))] if machine.reason else []),
        ("url", machine.url or "-"),
        ("stage", machine.stage),
        ("snapshot", machine.snapshot),
        ("owner", machine.owner),
        ("created", f"{machine.created:%Y-%m-%d %H:%M:%S} UTC ({age(machine.created)})"),
        *([("expires", time_left(machine.expires))] if machine.expires else []),
        *([("isolation", _isolation(machine))] if has_choice else []),
        *([("limits", limits)] if (limits := limits_line(machine.limits)) else []),
        *([("memory", killed_for_memory(machine.limits))] if machine.memory_kills else []),
        ("access", _access(machine)),
        ("id", machine.id),
        *(("label", f"{key}={value}") for key, value in sorted(machine.labels.items())),
    ]


def _access(machine: Machine) -> str:
    if machine.port is not None:
        return "this host only"
    return "public: anyone with the URL" if machine.public else "private: its owners only"
