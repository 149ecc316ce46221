"""Whose a machine is: its repository's, unless its image is what this one would build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.core.clock import EPOCH
from os2cli.core.errors import OperationFailed
from os2cli.core.models import LOCAL_DOCKER, Machine, MachineState
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.ownership import machine_strangeness

REQUEST = BuildRequest(Path("/r"), Path("Dockerfile"), "sandbox:local", repository="ours")
MACHINE = Machine(
    "1", "dev", LOCAL_DOCKER, "dev", MachineState.RUNNING, "sandbox:local", "me", EPOCH
)
THEIRS = replace(MACHINE, repository="theirs", image_key="k")


def unreadable() -> str:
    raise OperationFailed("cannot read the tree")


def test_one_s_own_is_not_strange_and_no_key_is_needed() -> None:
    assert machine_strangeness(replace(MACHINE, repository="ours"), REQUEST, unreadable) is None


def test_nor_is_one_from_an_image_of_the_same_inputs() -> None:
    assert machine_strangeness(THEIRS, REQUEST, lambda: "k") is None


@pytest.mark.parametrize("key", [None, "", "other"])
def test_one_of_other_inputs_is(key: str | None) -> None:
    machine = replace(THEIRS, image_key=key)

    assert machine_strangeness(machine, REQUEST, lambda: "k") == (
        "machine dev belongs to another repository"
    )


def test_what_cannot_be_read_proves_nothing() -> None:
    assert machine_strangeness(THEIRS, REQUEST, unreadable)


def test_one_without_a_repository_is() -> None:
    assert "an unknown repository" in (machine_strangeness(MACHINE, REQUEST, unreadable) or "")
