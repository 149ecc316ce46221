"""What helps with a machine that does not run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from os2cli.core.limits import Isolation
from os2cli.core.models import Machine, MachineState
from os2cli.machines.next_steps import needs_less_isolation, next_step, not_running
from tests.unit.machines.test_filters import A

STATES = [state for state in MachineState if state is not MachineState.RUNNING]


def machine(state: MachineState, *, startable: bool = True) -> Machine:
    return replace(A, name="a", state=state, startable=startable)


@pytest.mark.parametrize("state", STATES)
def test_a_start_is_suggested_only_where_it_can_help(state: MachineState) -> None:
    idle = (MachineState.STOPPED, MachineState.PAUSED, MachineState.FAILED)

    assert ("os2 machine start a" in next_step(machine(state))) is (state in idle)


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_command(state: MachineState) -> None:
    assert "os2 machine " in next_step(machine(state))
    assert not_running(machine(state)).hint == next_step(machine(state))


def test_a_failure_that_is_final_is_removed() -> None:
    step = next_step(machine(MachineState.FAILED, startable=False))

    assert "os2 machine rm a" in step
    assert "os2 machine start" not in step


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (machine(MachineState.STOPPED), "machine a is stopped"),
        (replace(machine(MachineState.STOPPED), archived=True), "machine a is archived"),
        (machine(MachineState.REMOVING), "machine a is being removed"),
        (machine(MachineState.FAILED), "machine a has failed"),
        (replace(machine(MachineState.FAILED), reason="no disk"), "machine a has failed: no disk"),
    ],
)
def test_the_message_tells_the_state_and_the_reason(found: Machine, message: str) -> None:
    assert not_running(found).message == message


DENIED = (
    "chown: changing ownership of '/etc/shadow': Operation not permitted",
    "Error: EACCES: permission denied, mkdir '/run/os2'",
    "touch: cannot touch '/x': Read-only file system",
    "Error: listen EPERM: 0.0.0.0:80",
    "nginx: [emerg] must be root",
)

WEAKER = {Isolation.DEFAULT: "off", Isolation.STRICT: "default", Isolation.OFF: None, None: None}


@pytest.mark.parametrize("line", DENIED)
@pytest.mark.parametrize(("isolation", "instead"), WEAKER.items())
def test_a_missing_permission_hints_at_the_next_weaker_isolation(
    line: str, isolation: Isolation | None, instead: str | None
) -> None:
    failed = replace(machine(MachineState.FAILED), isolation=isolation, snapshot="my image")

    hint = needs_less_isolation(failed, ["fine", line])

    if instead is None:
        assert hint is None
    else:
        command = f"os2 machine create a --snapshot 'my image' --isolation {instead}"
        assert str(hint).endswith(command)


def test_another_failure_does_not() -> None:
    failed = replace(machine(MachineState.FAILED), isolation=Isolation.DEFAULT)

    assert needs_less_isolation(failed, ["TypeError: x is not a function"]) is None
