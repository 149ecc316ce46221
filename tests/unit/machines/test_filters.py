"""Which machines of a list are meant, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.core.models import DAYTONA, LOCAL_DOCKER, Health, Machine, MachineState
from os2cli.machines.filters import Query

NOW = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
A = Machine(
    id="1",
    name="dev-a",
    type=LOCAL_DOCKER,
    stage="dev",
    state=MachineState.RUNNING,
    snapshot="image:local",
    owner="jonas@laptop",
    created=NOW,
    labels={"team": "core", "url": "a=b"},
    health=Health.HEALTHY,
)
B = replace(
    A,
    name="dev-b",
    type=DAYTONA,
    stage="stg",
    state=MachineState.STOPPED,
    snapshot="stg--1",
    owner="ci@runner",
    created=NOW - timedelta(days=1),
    labels={"team": "web"},
    health=Health.NONE,
    expires=NOW,
)
C = replace(B, name="review", created=NOW + timedelta(days=1), labels={}, expires=None)
ORDERS = ("name", "state", "type", "stage", "snapshot", "owner", "created", "expires")


def names(*filters: str, states: tuple[MachineState, ...] = (), sort: str | None = None) -> str:
    return " ".join(m.name for m in Query.parse(states, filters, sort).apply([C, B, A]))


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), "dev-a dev-b review"),
        (("name=dev-*",), "dev-a dev-b"),
        (("name=dev-?", "owner=ci@*"), "dev-b"),
        (("name=DEV-a",), ""),
        (("name=",), ""),
        (("snapshot=image:local",), "dev-a"),
        (("health=healthy",), "dev-a"),
        (("label=team",), "dev-a dev-b"),
        (("label=team=core",), "dev-a"),
        (("label=team=*",), "dev-a dev-b"),
        (("label=url=a=b",), "dev-a"),
        (("label=none",), ""),
    ],
)
def test_all_filters_have_to_match(filters: tuple[str, ...], found: str) -> None:
    assert names(*filters) == found


def test_any_of_the_states_will_do() -> None:
    assert names(states=(MachineState.RUNNING,)) == "dev-a"
    assert names(states=(MachineState.RUNNING, MachineState.STOPPED)) == "dev-a dev-b review"
    assert names("name=dev-*", states=(MachineState.STOPPED,)) == "dev-b"


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("created", "dev-b dev-a review"),
        ("-created", "review dev-a dev-b"),
        ("-name", "review dev-b dev-a"),
        (" Name ", "dev-a dev-b review"),
        ("expires", "dev-b dev-a review"),
        ("owner", "dev-b review dev-a"),
        ("-type", "dev-a dev-b review"),
    ],
)
def test_they_come_in_the_order_that_was_said(sort: str, found: str) -> None:
    assert names(sort=sort) == found


@pytest.mark.parametrize("text", ["", "dev-*", "state=running", "label=", "label", "=x", "Name=a"])
def test_a_filter_that_is_none_says_how_one_is_written(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Query.parse([], [text], None)

    assert "KEY=PATTERN" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["", "-", "--name", "port", "name,state"])
def test_an_order_that_is_none_lists_those_that_are(text: str) -> None:
    if text == "":
        assert names(sort=text) == names()
        return
    with pytest.raises(UsageError) as caught:
        Query.parse([], [], text)

    assert all(order in (caught.value.hint or "") for order in ORDERS)


MACHINES = st.lists(
    st.builds(
        lambda name, state, hours, expires: replace(
            A, name=name, state=state, created=NOW + timedelta(hours=hours), expires=expires
        ),
        st.text("ab", min_size=1, max_size=3),
        st.sampled_from(list(MachineState)),
        st.integers(0, 3),
        st.none() | st.just(NOW),
    ),
    max_size=8,
)


@given(MACHINES, st.sampled_from(ORDERS))
def test_an_order_loses_no_machine_and_does_not_depend_on_the_one_before(
    machines: list[Machine], order: str
) -> None:
    there = Query.parse([], [], order).apply(machines)

    assert sorted(m.name for m in there) == sorted(m.name for m in machines)
    shown = [(m.name, m.type) for m in Query.parse([], [], order).apply(machines[::-1])]
    if order == "name":
        assert shown == [(m.name, m.type) for m in there]
