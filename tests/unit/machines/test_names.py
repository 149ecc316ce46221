"""Machine names: validation, and generated names."""

from __future__ import annotations

import random

import pytest

from os2cli.core.errors import UsageError
from os2cli.machines.names import MAX_LENGTH, suggest_machine_name, validate_machine_name


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
