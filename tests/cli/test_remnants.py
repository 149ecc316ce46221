"""What is left of a machine is removed by its name too; a machine is never taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.command import Os2
from tests.engine_stub import EngineStub

REMOVALS = [
    ("machine", "rm", "one", "--yes"),
    ("machine", "rm", "one", "--force"),
    ("machine", "rm", "--all", "--type", "local-docker", "--yes"),
    ("machine", "prune", "--yes"),
]
# Lists of containers that lack a machine that exists.
LISTS: list[Any] = [[], [None], [{}], [{"Id": 7}], [{"Id": "os2-one"}], [{"Id": "b", "Labels": 3}]]


class Forgetful(EngineStub):
    """An engine whose list of all containers is ``list``."""

    list: Any

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        is_list = "/containers/json" in path and "filters" not in path
        return (200, self.list) if is_list else super().answer(method, path, body)


@pytest.fixture
def here(os2: Os2, engine: EngineStub) -> Os2:
    return Os2(os2.folder, {**os2.env, "DOCKER_HOST": engine.url})


@pytest.fixture
def machine(here: Os2, engine: EngineStub) -> EngineStub:
    """An engine with a machine, its network, and what is another's."""
    engine.add_foreign("theirs")
    done = here("machine", "create", "one", "--no-wait", "--snapshot", "iterate-sandbox:local")
    assert done.status == 0, done.stderr
    return engine


@pytest.mark.parametrize("removal", REMOVALS, ids=" ".join)
def test_a_network_alone_is_removed(here: Os2, machine: EngineStub, removal: list[str]) -> None:
    del machine.containers["os2-one"]

    done = here(*removal)

    assert done.status == 0, done.stderr
    assert list(machine.networks) == ["theirs"]


@pytest.mark.parametrize("listed", LISTS, ids=str)
def test_a_prune_spares_a_machine_that_a_list_lacks(
    here: Os2, machine: EngineStub, listed: Any
) -> None:
    machine.__class__ = Forgetful
    machine.list = listed  # type: ignore[attr-defined]

    here("machine", "prune", "--yes")

    assert list(machine.containers) == ["theirs", "os2-one"]
    assert list(machine.networks) == ["theirs", "os2-one"]


@pytest.mark.parametrize("removal", REMOVALS, ids=" ".join)
def test_the_network_of_another_user_s_create_stays(
    here: Os2, machine: EngineStub, removal: list[str], tmp_path: Path
) -> None:
    """Between its network and its container, only that user knows that a create is at work."""
    del machine.containers["os2-one"]
    home = tmp_path / "another"
    home.mkdir()
    another = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}

    here(*removal, env=another)

    assert list(machine.networks) == ["theirs", "os2-one"]
