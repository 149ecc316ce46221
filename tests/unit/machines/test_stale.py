"""Which machines count as left over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.models import LOCAL_DOCKER, Machine, MachineState
from os2cli.machines.stale import CREATING_AGE, find_leftovers

NOW = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MACHINE = Machine(
    id="1",
    name="a",
    type=LOCAL_DOCKER,
    stage="dev",
    state=MachineState.RUNNING,
    snapshot="x",
    owner="me",
    created=NOW - timedelta(hours=1),
)


def why(machine: Machine, older_than: timedelta | None = None) -> str | None:
    found = find_leftovers([machine], NOW, older_than)
    return found[0].why if found else None


@pytest.mark.parametrize("state", [s for s in MachineState if s is not MachineState.CREATING])
def test_a_machine_in_the_expected_state_stays(state: MachineState) -> None:
    assert why(replace(MACHINE, state=state)) is None


@pytest.mark.parametrize(("left", "reason"), [(SECOND, None), (0 * SECOND, "expired")])
@pytest.mark.parametrize("state", [MachineState.RUNNING, MachineState.STOPPED])
def test_it_goes_when_its_time_is_over(
    left: timedelta, reason: str | None, state: MachineState
) -> None:
    assert why(replace(MACHINE, state=state, expires=NOW + left)) == reason


@pytest.mark.parametrize(("more", "reason"), [(0 * SECOND, None), (SECOND, "never finished")])
def test_a_create_has_its_time(more: timedelta, reason: str | None) -> None:
    machine = replace(MACHINE, state=MachineState.CREATING, created=NOW - CREATING_AGE - more)

    assert why(machine) == reason


def test_what_its_provider_gave_up_goes_but_not_what_ended_by_itself() -> None:
    failed = replace(MACHINE, state=MachineState.FAILED)

    assert why(failed) is None
    assert why(replace(failed, reason="no runner")) == "failed: no runner"


@pytest.mark.parametrize("state", [s for s in MachineState if s is not MachineState.REMOVING])
def test_one_whose_create_could_not_be_undone_goes(state: MachineState) -> None:
    assert why(replace(MACHINE, state=state, unfinished=True)) == "never finished"


def test_old_ones_go_when_that_was_said() -> None:
    assert why(MACHINE, timedelta(hours=1)) is None
    assert why(MACHINE, timedelta(minutes=59)) == "old"


@given(
    st.sampled_from(list(MachineState)),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.none() | st.timedeltas(timedelta(days=-9), timedelta(days=9)),
    st.none() | st.just("a reason"),
    st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_an_age_only_ever_adds_machines_and_one_that_goes_already_is_left_alone(
    state: MachineState,
    age: timedelta,
    left: timedelta | None,
    reason: str | None,
    older_than: timedelta,
) -> None:
    expires = None if left is None else NOW + left
    machine = replace(MACHINE, state=state, created=NOW - age, expires=expires, reason=reason)

    assert why(machine) is None or why(machine, older_than) == why(machine)
    if state is MachineState.REMOVING:
        assert why(machine, older_than) is None
    elif age > older_than:
        assert why(machine, older_than) is not None
