"""What helps with a machine that does not run: as a hint, and as the error of what needs one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from os2cli.core.errors import Conflict
from os2cli.core.limits import Isolation
from os2cli.core.models import Machine, MachineSpec, MachineState

# What programs and runtimes print for EPERM, EACCES and EROFS.
_NOT_PERMITTED = (
    "not permitted",
    "permission denied",
    "read-only file system",
    "eperm",
    "eacces",
    "erofs",
    "must be root",
)


def not_running(machine: Machine) -> Conflict:
    """Return the error of a command that needs the machine to run."""
    is_so = {MachineState.FAILED: "has failed", MachineState.REMOVING: "is being removed"}
    state = "archived" if machine.archived else machine.state.value
    reason = f": {machine.reason}" if machine.reason else ""
    return Conflict(
        f"machine {machine.name} {is_so.get(machine.state, f'is {state}')}{reason}",
        hint=next_step(machine),
        code="machine_not_running",
    )


def must_be_stopped(machine: Machine) -> Conflict:
    """Return the error of a change that a machine which runs cannot take."""
    return Conflict(
        f"machine {machine.name} is {machine.state.value}: its port changes only when it starts",
        hint=f"stop it first: os2 machine stop {machine.name}",
        code="machine_running",
    )


def next_step(machine: Machine) -> str:
    """Return the command that helps, and that the machine's state allows."""
    name = machine.name
    match machine.state:
        case MachineState.CREATING:
            return f"wait until it runs: os2 machine wait {name}"
        case MachineState.REMOVING:
            return "list the machines: os2 machine list"
        case MachineState.UNKNOWN:
            return f"see its state: os2 machine show {name}"
        case MachineState.FAILED if not machine.startable:
            return f"it can't be started any more; remove it: os2 machine rm {name}"
    return f"start it: os2 machine start {name}"


def needs_less_isolation(machine: Machine | MachineSpec, lines: Iterable[str]) -> str | None:
    """Return the hint for a machine whose program was not permitted what isolation takes away.

    ``lines`` are the end of its log, or the engine's error; None: they report nothing of this kind.
    """
    if machine.isolation in (None, Isolation.OFF):
        return None
    if not any(each in line.lower() for line in lines for each in _NOT_PERMITTED):
        return None
    strict = machine.isolation is Isolation.STRICT
    need = "a root that it can write to" if strict else "capabilities of the engine"
    less = Isolation.DEFAULT if strict else Isolation.OFF
    image = shlex.quote(machine.snapshot)
    create = f"os2 machine create {machine.name} --snapshot {image} --isolation {less}"
    return f"its image may need {need}: {create}"
