"""Use cases around machines: create, wait, bring up, remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from os2cli.clock import REAL_TIME, Clock
from os2cli.errors import Conflict, NotFound, OperationFailed, Os2Error, TimedOut
from os2cli.interrupts import cleaned_up_by
from os2cli.machine_name import suggest_machine_name
from os2cli.models import Health, Machine, MachineSpec, MachineState
from os2cli.progress import SILENT, Progress
from os2cli.providers.base import MachineProvider
from os2cli.side_by_side import side_by_side
from os2cli.touched import touch

LOG_LINES = 20
# Who has asked for an end shall not wait longer.
UNDO_SECONDS = 4.5
NAME_ATTEMPTS = 20
FAILED_STEP_PREFIX = "entry: step "


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one removal: ``removed`` False and no error means that there was nothing."""

    name: str
    removed: bool
    error: Os2Error | None = None

    @property
    def outcome(self) -> str:
        """``removed``, ``missing`` or ``failed``."""
        if self.error is not None:
            return "failed"
        return "removed" if self.removed else "missing"


def create_machine(
    provider: MachineProvider,
    spec: MachineSpec,
    *,
    wait_seconds: float | None,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine:
    """Create a machine and wait until its daemon is healthy (``wait_seconds`` None: don't).

    An empty ``spec.name`` is replaced by a free one. What was created is removed again when the
    machine does not become healthy, or the wait is interrupted.
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
    """Create machines one after the other, and wait for all of them at once; all or none."""
    made: list[Machine] = []
    touch(provider.type)
    where = f"--type {provider.type} --stage {specs[0].stage} --yes"
    with cleaned_up_by("os2 machine rm", where) as begun:
        try:
            with progress.phase("create"):
                for number, spec in enumerate(specs):
                    if len(specs) > 1:
                        progress.status("creating machines", number, len(specs))
                    made.append(_create_named(provider, spec, progress, begun))
            if wait_seconds is None:
                return made
            with progress.phase("healthy"):
                return side_by_side(
                    lambda one: until_healthy(provider, one, wait_seconds, progress, clock), made
                )
        except BaseException:
            _undo_creates(provider, [machine.name for machine in made], progress)
            raise


def _undo_creates(provider: MachineProvider, names: Sequence[str], progress: Progress) -> None:
    if not names:
        return
    progress.notice(f"removing what was created: {', '.join(names)}")

    def undo(name: str) -> None:
        try:
            provider.remove(name, UNDO_SECONDS)
        except Os2Error as error:
            # Why the create failed is worth more than why its undoing did.
            progress.warn(f"machine {name} is still there: {error.message}")
            progress.warn(f"remove it with: os2 machine rm {name}")

    side_by_side(undo, names)


def _create_named(
    provider: MachineProvider, spec: MachineSpec, progress: Progress, begun: list[str]
) -> Machine:
    if spec.name:
        return _create_one(provider, spec, progress, begun)
    for _ in range(NAME_ATTEMPTS):
        named = replace(spec, name=suggest_machine_name())
        try:
            return _create_one(provider, named, progress, begun)
        except Conflict as error:
            if error.code not in ("machine_exists", "name_taken", "machine_busy"):
                raise
    raise Conflict("no free name was found", hint="name the machine: os2 machine create NAME")


def _create_one(
    provider: MachineProvider, spec: MachineSpec, progress: Progress, begun: list[str]
) -> Machine:
    """Create it; ``begun`` names it as long as it may be there."""
    begun.append(spec.name)
    try:
        return provider.create(spec, progress)
    except Os2Error:
        begun.remove(spec.name)
        raise


def bring_up(
    provider: MachineProvider,
    name: str,
    *,
    wait_seconds: float,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine | None:
    """Make an existing machine answer: start it when it is stopped, wait until it is healthy.

    Returns None when there is none of that name.
    """
    try:
        machine = provider.get(name)
    except NotFound:
        return None
    if machine.state is MachineState.CREATING:
        # Its creator may still be at work; when it isn't, a create clears the name.
        return None
    if machine.state is not MachineState.RUNNING:
        touch(provider.type)
        with progress.phase("start"):
            machine = provider.start(name)
    if provider.probe(machine) is Health.HEALTHY:
        return _healthy(provider, machine)
    return wait_until_healthy(provider, machine, wait_seconds, progress=progress, clock=clock)


def wait_until_healthy(
    provider: MachineProvider,
    machine: Machine,
    seconds: float,
    *,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine:
    """Ask again and again until the daemon answers.

    Raises:
        OperationFailed: the machine ended meanwhile; the message is the step that failed.
        TimedOut: the deadline passed; the message says the last state.
    """
    with progress.phase("healthy"):
        return until_healthy(provider, machine, seconds, progress, clock)


def until_healthy(
    provider: MachineProvider, machine: Machine, seconds: float, progress: Progress, clock: Clock
) -> Machine:
    """``wait_until_healthy`` as part of another phase."""
    deadline = clock.now() + seconds
    while True:
        if provider.probe(machine) is Health.HEALTHY:
            return _healthy(provider, machine)
        machine = provider.get(machine.name)
        if machine.state not in (MachineState.RUNNING, MachineState.CREATING):
            raise _ended(provider, machine)
        if clock.now() >= deadline:
            raise _not_healthy(provider, machine, seconds)
        progress.status(f"waiting for {machine.name} to answer")
        clock.sleep(provider.poll_seconds)


def _ended(provider: MachineProvider, machine: Machine) -> OperationFailed:
    tail = provider.log_tail(machine.name, LOG_LINES)
    steps = [line for line in tail if line.startswith(FAILED_STEP_PREFIX)]
    reason = steps[-1] if steps else machine.reason or f"its state is {machine.state.value}"
    return OperationFailed(
        f"machine {machine.name} ended before it was healthy: {reason}",
        hint="the lines above are the end of its log" if tail else None,
        code="machine_ended",
        log_tail=tail,
    )


def _not_healthy(provider: MachineProvider, machine: Machine, seconds: float) -> TimedOut:
    return TimedOut(
        f"machine {machine.name} is {machine.state.value} but was not healthy within {seconds:g} s",
        hint="give it longer with --timeout SECONDS, or look into it with --no-wait",
        code="not_healthy",
        log_tail=provider.log_tail(machine.name, LOG_LINES),
    )


def machines_of_stage(provider: MachineProvider, stage: str | None) -> list[Machine]:
    """The machines of a stage, or all of them."""
    return [machine for machine in provider.list() if stage in (None, machine.stage)]


def list_with_health(provider: MachineProvider, stage: str | None = None) -> list[Machine]:
    """The machines with the health that they have now; they are asked side by side."""
    machines = machines_of_stage(provider, stage)
    return side_by_side(lambda machine: with_health(provider, machine), machines)


def with_health(provider: MachineProvider, machine: Machine) -> Machine:
    """The machine with the health and the URL that it has now."""
    health = provider.probe(machine)
    return replace(machine, health=health, url=machine.url or provider.address(machine))


def _healthy(provider: MachineProvider, machine: Machine) -> Machine:
    url = machine.url or provider.address(machine)
    # Who answers runs, whatever was known before.
    return replace(machine, state=MachineState.RUNNING, health=Health.HEALTHY, url=url)
