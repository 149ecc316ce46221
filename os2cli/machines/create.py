"""Use cases around machines: create, wait, bring up, remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.deadline import apart
from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error
from os2cli.core.models import Health, Machine, MachineSpec, MachineState
from os2cli.core.observed import record_change
from os2cli.core.progress import SILENT, Progress
from os2cli.core.waiting import allowing
from os2cli.host.concurrency import concurrently
from os2cli.host.interrupts import cleaned_up_by
from os2cli.machines.health import _healthy, until_healthy, wait_until_healthy
from os2cli.machines.mounted import report_kept
from os2cli.machines.names import suggest_machine_name
from os2cli.machines.provider import MachineProvider

# After Ctrl-C the user must not wait longer.
UNDO_SECONDS = 4.5
NAME_ATTEMPTS = 20
MIN_HEALTHY_SECONDS = 10.0


def create_machine(
    provider: MachineProvider,
    spec: MachineSpec,
    *,
    wait_seconds: float | None,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine:
    """Create a machine and wait until it is healthy (``wait_seconds`` None: don't).

    An empty ``spec.name`` gets a generated name. The machine is removed again if it does not become
    healthy or the wait is interrupted.
    """
    (machine,) = create_machines(
        provider, [spec], wait_seconds=wait_seconds, progress=progress, clock=clock
    )
    return machine


def create_machines(
    provider: MachineProvider,
    specs: Sequence[MachineSpec],
    *,
    wait_seconds: float | None,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> list[Machine]:
    """Create machines one by one and wait for them concurrently; all or none."""
    made: list[Machine] = []
    record_change(provider.type)
    began = clock.now()
    where = f"--type {provider.type} --stage {specs[0].stage} --yes"
    with cleaned_up_by("os2 machine rm", where) as pending, allowing(wait_seconds):
        try:
            with progress.phase("create"):
                for number, spec in enumerate(specs):
                    if len(specs) > 1:
                        progress.status("creating machines", number, len(specs))
                    made.append(_create_named(provider, spec, progress, pending))
            if wait_seconds is None:
                return made
            # Creating took a part of the time, but a machine that was just made gets a chance.
            left = max(wait_seconds - (clock.now() - began), min(wait_seconds, MIN_HEALTHY_SECONDS))
            with progress.phase("healthy"):
                return concurrently(
                    lambda one: _until_healthy(provider, one, left, progress, clock), made
                )
        except BaseException:
            _undo_creates(provider, made, progress)
            raise


def _until_healthy(
    provider: MachineProvider, machine: Machine, seconds: float, progress: Progress, clock: Clock
) -> Machine:
    try:
        return until_healthy(provider, machine, seconds, progress, clock)
    except OperationFailed as error:
        if not error.log_tail:
            # It is about to be removed, and its log tells nothing.
            error.hint = "keep the machine to look into it: --no-wait"
        raise


def _undo_creates(
    provider: MachineProvider, machines: Sequence[Machine], progress: Progress
) -> None:
    if not machines:
        return
    progress.notice(f"removing what was created: {', '.join(one.name for one in machines)}")

    def undo(machine: Machine) -> None:
        name = machine.name
        try:
            # The provider keeps to its own limit, and then marks what is left.
            with apart(2 * UNDO_SECONDS):
                provider.remove(name, UNDO_SECONDS)
        except Os2Error as error:
            # The error of the create matters more than that of its rollback.
            progress.warn(f"machine {name} still exists: {error.message}")
            where = f"--type {machine.type} --stage {machine.stage}"
            progress.warn(f"remove it: os2 machine rm {name} {where}")

    concurrently(undo, machines)


def _create_named(
    provider: MachineProvider, spec: MachineSpec, progress: Progress, pending: list[str]
) -> Machine:
    if spec.name:
        return _create_one(provider, spec, progress, pending)
    for _ in range(NAME_ATTEMPTS):
        named = replace(spec, name=suggest_machine_name())
        try:
            return _create_one(provider, named, progress, pending)
        except Conflict as error:
            if error.code not in ("machine_exists", "name_taken", "machine_busy"):
                raise
    raise Conflict("no free name was found", hint="name the machine: os2 machine create NAME")


def _create_one(
    provider: MachineProvider, spec: MachineSpec, progress: Progress, pending: list[str]
) -> Machine:
    """Create a machine; its name is in ``pending`` as long as it may exist."""
    pending.append(spec.name)
    try:
        return provider.create(spec, progress)
    except Os2Error:
        pending.remove(spec.name)
        raise


def bring_up(
    provider: MachineProvider,
    name: str,
    *,
    wait_seconds: float,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine | None:
    """Start an existing machine if it is stopped, and wait until it is healthy.

    Returns None if there is no machine of that name.
    """
    try:
        machine = provider.get(name)
    except NotFound:
        return None
    if machine.state is MachineState.CREATING:
        # Its creator may still be running; if not, a create frees the name.
        return None
    if is_stopped := machine.state is not MachineState.RUNNING:
        record_change(provider.type)
        with progress.phase("start"):
            machine = provider.start(name)
    if provider.probe(machine) is Health.HEALTHY:
        machine = _healthy(provider, machine)
    else:
        machine = wait_until_healthy(
            provider, machine, wait_seconds, progress=progress, clock=clock
        )
    if is_stopped:
        report_kept(provider, machine, progress)
    return machine
