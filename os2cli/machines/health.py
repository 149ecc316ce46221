"""Probe a machine's health, and wait until it is healthy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.deadline import apart, within
from os2cli.core.errors import OperationFailed, Os2Error, TimedOut
from os2cli.core.limits import killed_for_memory
from os2cli.core.models import Health, Machine, MachineState
from os2cli.core.progress import SILENT, Progress
from os2cli.core.waiting import Wait
from os2cli.host.concurrency import concurrently
from os2cli.machines.names import named_machines
from os2cli.machines.next_steps import needs_less_isolation
from os2cli.machines.provider import MachineProvider

LOG_LINES = 20
# For the last lines, when the time for the operation itself is over.
LOG_SECONDS = 5.0
# The last probe must have a chance to be answered.
MIN_PROBE_SECONDS = 1.0
FAILED_STEP_PREFIX = "entry: step "


def wait_until_healthy(
    provider: MachineProvider,
    machine: Machine,
    seconds: float,
    *,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine:
    """Poll until the daemon answers.

    Raises:
        OperationFailed: the machine stopped; the message has the step that failed.
        TimedOut: the deadline passed; the message has the last state.
    """
    with progress.phase("healthy"):
        return until_healthy(provider, machine, seconds, progress, clock)


def until_healthy(
    provider: MachineProvider, machine: Machine, seconds: float, progress: Progress, clock: Clock
) -> Machine:
    """Do the same as ``wait_until_healthy``, within another phase."""

    def late(silence: str) -> TimedOut:
        return _not_healthy(provider, machine, seconds, silence)

    goal = f"machine {machine.name} to be healthy"
    wait = Wait(goal, seconds, late, go_on=f"os2 machine wait {machine.name}", clock=clock)
    while True:
        with within(max(wait.left, MIN_PROBE_SECONDS)):
            health = provider.probe(machine)
        if health is Health.HEALTHY:
            return _healthy(provider, machine)
        machine = wait.ask(partial(provider.get, machine.name))
        if machine.state not in (MachineState.RUNNING, MachineState.CREATING):
            raise _ended(provider, machine)
        progress.status(f"waiting for {machine.name} to answer")
        wait.pause(provider.poll_seconds)


def _ended(provider: MachineProvider, machine: Machine) -> OperationFailed:
    tail = _log_tail(provider, machine)
    see = f"see its state: os2 machine show {machine.name}"
    steps = [line for line in tail if line.startswith(FAILED_STEP_PREFIX)]
    reason = steps[-1] if steps else machine.reason or f"its state is {machine.state.value}"
    hint = "the lines above are the end of its log" if tail else see
    if machine.memory_kills:
        reason, hint = killed_for_memory(machine.limits), "give it more: --memory SIZE"
    return OperationFailed(
        f"machine {machine.name} stopped before it was healthy: {reason}",
        hint=needs_less_isolation(machine, tail) or hint,
        code="machine_ended",
        log_tail=tail,
    )


def _not_healthy(
    provider: MachineProvider, machine: Machine, seconds: float, silence: str
) -> TimedOut:
    state = f"last state: {machine.state.value}"
    hint = "raise --timeout SECONDS, or keep the machine to look into it: --no-wait"
    return TimedOut(
        f"timed out after {seconds:.3g} s waiting for machine {machine.name} to be healthy "
        f"({'; '.join(filter(None, (state, silence)))})",
        hint=f"to go on waiting: os2 machine wait {machine.name}" if silence else hint,
        code="not_healthy",
        log_tail=() if silence else _log_tail(provider, machine),
    )


def _log_tail(provider: MachineProvider, machine: Machine) -> tuple[str, ...]:
    """Return the end of a machine's log; empty if it does not come soon."""
    with apart(LOG_SECONDS):
        try:
            return provider.log_tail(machine.name, LOG_LINES)
        except Os2Error:
            return ()  # the reason to look at it matters more


def machines_of_stage(provider: MachineProvider, stage: str | None) -> list[Machine]:
    """Return the machines of a stage, or all of them."""
    return named_machines(m for m in provider.list() if stage in (None, m.stage))


@dataclass(frozen=True, slots=True)
class Glance:
    """What of a machine is asked for beyond the provider's list, and of which machines.

    Others are not: each costs requests, and not all of them are shown.
    """

    health: bool = True
    url: bool = True
    shown: Callable[[Machine], bool] = lambda _: True


ALL = Glance()
LIST_ALONE = Glance(health=False, url=False)


def list_with_health(
    provider: MachineProvider, stage: str | None = None, glance: Glance = ALL
) -> list[Machine]:
    """Return the machines of a stage; those that are shown are looked at concurrently."""
    machines = machines_of_stage(provider, stage)
    if not (glance.health or glance.url):
        return machines
    shown = [machine for machine in machines if glance.shown(machine)]
    looked = concurrently(lambda machine: _looked_at(provider, machine, glance), shown)
    known = dict(zip(map(id, shown), looked, strict=True))
    return [known.get(id(machine), machine) for machine in machines]


def with_health(provider: MachineProvider, machine: Machine) -> Machine:
    """Return the machine with its current health and URL."""
    return _looked_at(provider, machine, ALL)


def _looked_at(provider: MachineProvider, machine: Machine, glance: Glance) -> Machine:
    health = provider.probe(machine) if glance.health else machine.health
    url = machine.url or (provider.address(machine) if glance.url else None)
    return replace(machine, health=health, url=url)


def _healthy(provider: MachineProvider, machine: Machine) -> Machine:
    url = machine.url or provider.address(machine)
    # A machine that answers is running, no matter what the last listing said.
    return replace(machine, state=MachineState.RUNNING, health=Health.HEALTHY, url=url)
