"""Use case: create a machine, or wait for the one that another os2 creates under the name."""

from __future__ import annotations

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import Conflict, NotFound, Os2Error, TimedOut
from os2cli.core.models import Machine, MachineSpec
from os2cli.core.progress import SILENT, Progress
from os2cli.core.waiting import Wait
from os2cli.machines.create import bring_up, create_machine
from os2cli.machines.provider import MachineProvider

# The name's codes: another os2 has the machine, or is creating it.
_TAKEN = ("machine_exists", "machine_busy", "name_taken")
# A create that another one prevents is tried again, in case that one fails.
_CREATE_AGAIN_SECONDS = 2.0


def create_or_join(
    provider: MachineProvider,
    spec: MachineSpec,
    *,
    wait_seconds: float,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Machine:
    """Create a machine and wait until it is healthy; if another os2 is faster, wait for its own.

    Raises:
        TimedOut: neither machine is healthy in time.
    """

    def late(why: str) -> Os2Error:
        del why
        return TimedOut(
            f"timed out after {wait_seconds:.0f} s waiting for another os2 process that "
            f"creates machine {spec.name}",
            hint=f"look at the machine: os2 machine show {spec.name}",
            code="machine_busy",
        )

    go_on = f"os2 up {spec.name}"
    wait = Wait(f"machine {spec.name}", wait_seconds, late, go_on=go_on, clock=clock)
    is_reported = False
    while True:
        try:
            return create_machine(
                provider, spec, wait_seconds=wait_seconds, progress=progress, clock=clock
            )
        except Conflict as error:
            if error.code not in _TAKEN:
                raise
        if not is_reported:
            progress.notice(f"another os2 process is creating machine {spec.name}: waiting for it")
            is_reported = True
        machine = _join(provider, spec.name, wait, progress, clock)
        if machine is not None:
            return machine


def _join(
    provider: MachineProvider, name: str, wait: Wait, progress: Progress, clock: Clock
) -> Machine | None:
    """Return the other one's machine when it is healthy, None if it may be gone again."""
    again = clock.now() + _CREATE_AGAIN_SECONDS
    while clock.now() < again:
        try:
            machine = bring_up(
                provider, name, wait_seconds=wait.left, progress=progress, clock=clock
            )
        except NotFound:
            # Its create failed, and removed it.
            machine = None
        if machine is not None:
            return machine
        wait.pause(provider.poll_seconds)
    return None
