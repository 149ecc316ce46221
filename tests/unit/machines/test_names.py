"""Machine names: which are valid, and which are generated."""

from __future__ import annotations

import random
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.clock import EPOCH
from os2cli.core.errors import UsageError
from os2cli.core.models import DAYTONA, Machine, MachineState
from os2cli.machines.names import (
    MAX_LENGTH,
    is_machine_name,
    named_machines,
    suggest_machine_name,
    validate_machine_name,
)

MACHINE = Machine(
    id="1",
    name="dev-1",
    type=DAYTONA,
    stage="stg",
    state=MachineState.RUNNING,
    snapshot="stg--20260111-193045",
    owner="jonas@laptop",
    created=EPOCH,
    url=None,
)


@pytest.mark.parametrize("name", ["a", "9", "dev-1", "A.b_c-D", "a..b", "x" * MAX_LENGTH])
def test_a_valid_name_is_returned(name: str) -> None:
    assert validate_machine_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "-a", "a-", ".a", "a.", "_a", "a_", "a b", "a/b", "jürgen", "٣", "a\n", "x" * 64],
)
def test_another_name_is_refused_and_repeated(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        validate_machine_name(name)

    assert caught.value.code == "machine_name_invalid"
    assert repr(name) in caught.value.message
    assert "63" in (caught.value.hint or "")


def test_generated_names_are_valid_and_differ() -> None:
    rng = random.Random(1)  # noqa: S311

    names = {suggest_machine_name(rng) for _ in range(500)}

    assert len(names) > 300
    assert all(validate_machine_name(name) == name for name in names)


def test_the_same_source_of_chance_makes_the_same_name() -> None:
    first, second = (random.Random(7) for _ in range(2))  # noqa: S311

    assert suggest_machine_name(first) == suggest_machine_name(second)


def test_without_one_every_call_makes_its_own() -> None:
    assert len({suggest_machine_name() for _ in range(50)}) > 1


@given(st.text(max_size=70) | st.from_regex(r"[A-Za-z0-9][\w.-]{0,61}[A-Za-z0-9]", fullmatch=True))
def test_only_valid_names_are_machines(name: str) -> None:
    found = replace(MACHINE, name=name)
    named = named_machines([MACHINE, found])
    assert named == ([MACHINE, found] if is_machine_name(name) else [MACHINE])
    for machine in named:
        assert shlex.split(machine.name) == [machine.name]
        assert not machine.name.startswith("-")
        assert machine.name.isprintable()
