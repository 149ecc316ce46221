"""Use cases around a machine's state: wait for one; start, stop, restart or archive a machine."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import NotFound, Os2Error, TimedOut
from os2cli.core.models import Health, Machine, MachineState, Verb, WaitTarget
from os2cli.core.observed import record_change
from os2cli.core.progress import SILENT, Progress
from os2cli.core.waiting import Wait
from os2cli.host.concurrency import concurrently
from os2cli.machines.effects import check_effect
from os2cli.machines.fleet import NotLocated, Place, located
from os2cli.machines.health import until_healthy, wait_until_healthy, with_health
from os2cli.machines.mounted import report_kept
from os2cli.machines.next_steps import not_running
from os2cli.machines.provider import MachineProvider


@dataclass(frozen=True, slots=True)
class Change:
    """The result for one machine.

    ``outcome`` is a verb's ``done``, ``unchanged``, ``failed`` or ``missing``.
    """

    name: str
    outcome: str
    machine: Machine | None = None
    error: Os2Error | None = None


@dataclass(frozen=True, slots=True)
class Changer:
    """Applies one verb to machines, concurrently.

    ``within`` is the timeout in seconds for each, None the provider's own; ``healthy_seconds`` is
    the timeout until a started machine is healthy, None: don't wait. ``port`` is another port of
    this host to start on.
    """

    verb: Verb
    within: float | None = None
    healthy_seconds: float | None = None
    port: int | None = None
    progress: Progress = SILENT
    clock: Clock = REAL_TIME

    def change(self, places: Sequence[Place]) -> list[Change]:
        """Change machines; one failure does not stop the others."""
        changes: list[Change] = []
        record_change(*(place.machine.type for place in located(places)))
        # A phase with a failure must not be reported as done.
        with suppress(_SomeFailed), self.progress.phase(self.verb.value):
            changes = concurrently(self._change_one, places)
            if any(change.error for change in changes):
                raise _SomeFailed
        return changes

    def _change_one(self, place: Place) -> Change:
        name = place.name
        if isinstance(place, NotLocated):
            return Change(name, _failed(place.error), error=place.error)
        before = place.machine
        try:
            machine = check_effect(self.verb, self._do(place.provider, before))
        except Os2Error as error:
            return Change(name, _failed(error), before, error)
        same = (machine.state, machine.archived) == (before.state, before.archived)
        unchanged = same and self.verb is not Verb.RESTART
        return Change(name, "unchanged" if unchanged else self.verb.done, machine)

    def _do(self, provider: MachineProvider, machine: Machine) -> Machine:
        match self.verb:
            case Verb.STOP:
                return provider.stop(machine.name, self.within)
            case Verb.ARCHIVE:
                return provider.archive(machine.name, self.within)
            case Verb.RESTART:
                check_effect(Verb.STOP, provider.stop(machine.name, self.within))
        if self.port is None:
            started = provider.start(machine.name, self.within)
        else:
            started = provider.start_on(machine.name, self.port, self.within)
        if self.healthy_seconds is None:
            return started
        healthy = wait_until_healthy(provider, started, self.healthy_seconds, clock=self.clock)
        report_kept(provider, healthy, self.progress)
        return healthy


class _SomeFailed(Exception):
    """Some machines could not be changed."""


def _failed(error: Os2Error) -> str:
    return "missing" if isinstance(error, NotFound) else "failed"


def wait_for(
    provider: MachineProvider,
    machine: Machine,
    goal: WaitTarget,
    seconds: float,
    *,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine:
    """Poll a machine until it reaches the goal.

    Raises:
        Conflict: only a command can bring it there.
        OperationFailed: it stopped while waiting until it is healthy.
        TimedOut: the deadline passed; the message has the last state.
    """

    def late(silence: str) -> TimedOut:
        return _late(machine, goal, seconds, silence)

    name = machine.name
    go_on = f"os2 machine wait {name} --for {goal.value}"
    wait = Wait(f"machine {name} to be {goal.value}", seconds, late, go_on=go_on, clock=clock)
    with progress.phase(goal.value):
        while not _is_at(machine, goal):
            if goal is WaitTarget.HEALTHY and machine.state in _ON_THE_WAY:
                # The provider's state does not tell its health: the machine must be probed.
                return until_healthy(provider, machine, wait.left, progress, clock)
            _check_possible(machine, goal)
            progress.status(f"{name} is {machine.state.value}")
            wait.pause(provider.poll_seconds)
            machine = wait.ask(partial(provider.get, name))
    return with_health(provider, machine) if goal is WaitTarget.RUNNING else machine


_ON_THE_WAY = (MachineState.RUNNING, MachineState.CREATING)
_STILL = (MachineState.STOPPED, MachineState.FAILED)


def _is_at(machine: Machine, goal: WaitTarget) -> bool:
    if goal is WaitTarget.STOPPED:
        return machine.state in _STILL
    healthy_enough = goal is not WaitTarget.HEALTHY or machine.health is Health.HEALTHY
    return machine.state is MachineState.RUNNING and healthy_enough


def _check_possible(machine: Machine, goal: WaitTarget) -> None:
    """Raise if waiting cannot help."""
    if machine.state is MachineState.REMOVING:
        raise NotFound(
            f"machine {machine.name} is being removed",
            hint="list the machines: os2 machine list",
            code="machine_not_found",
        )
    if goal is not WaitTarget.STOPPED and machine.state in (*_STILL, MachineState.PAUSED):
        raise not_running(machine)


def _late(machine: Machine, goal: WaitTarget, seconds: float, silence: str) -> TimedOut:
    name, state = machine.name, f"last state: {machine.state.value}"
    see = "see the log: os2 machine logs"
    if machine.state is not MachineState.RUNNING:
        see = "see its state: os2 machine show"
    hint = f"raise --timeout SECONDS, or {see} {name}"
    return TimedOut(
        f"timed out after {seconds:g} s waiting for machine {name} to be {goal.value} "
        f"({'; '.join(filter(None, (state, silence)))})",
        hint=f"to go on waiting: os2 machine wait {name} --for {goal.value}" if silence else hint,
        code="state_not_reached",
    )
