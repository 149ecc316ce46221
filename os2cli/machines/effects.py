"""Whether a change has had its effect: what a provider accepted, it may still not have done."""

from __future__ import annotations

from os2cli.core.errors import OperationFailed
from os2cli.core.models import Machine, MachineState, Verb
from os2cli.machines.next_steps import next_step

_RUNS = frozenset({MachineState.RUNNING})
# One that failed does not run either, and a sandbox may be removed as soon as it stops.
_ENDED = frozenset({MachineState.STOPPED, MachineState.FAILED, MachineState.REMOVING})
_GOALS = {Verb.START: _RUNS, Verb.RESTART: _RUNS, Verb.STOP: _ENDED, Verb.ARCHIVE: _ENDED}


def check_effect(verb: Verb, machine: Machine) -> Machine:
    """Return the machine, as it is after the verb, if that is what the verb is for.

    Raises:
        OperationFailed: it is in another state (``change_without_effect``).
    """
    if machine.state in _GOALS[verb]:
        return machine
    raise OperationFailed(
        f"cannot {verb} machine {machine.name}: afterwards it is {machine.state}",
        hint=_hint(verb, machine),
        code="change_without_effect",
    )


def _hint(verb: Verb, machine: Machine) -> str:
    ended = machine.state in (MachineState.STOPPED, MachineState.FAILED)
    if ended and machine.startable:
        return f"see why: os2 machine logs {machine.name}"
    if machine.state in (MachineState.RUNNING, MachineState.PAUSED):
        return f"retry: os2 machine {verb} {machine.name}"
    return next_step(machine)
