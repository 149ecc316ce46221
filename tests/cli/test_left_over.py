"""What killed commands left is found: by its name, by prune, or by the next command."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.providers import labels
from os2cli.providers.local_docker.engine.temporary import Temporary
from tests.command import Os2
from tests.engine_stub import EngineStub


@pytest.fixture
def local(os2: Os2, engine: EngineStub) -> Os2:
    """The CLI with the stub as its engine."""
    return Os2(os2.folder, {**os2.env, "DOCKER_HOST": engine.url})


@pytest.fixture
def network_only(engine: EngineStub) -> None:
    """A machine whose container is gone."""
    marks = {labels.MACHINE: "1", labels.NAME: "a", labels.STAGE: "dev-test"}
    engine.networks["os2-a"] = {"Id": "os2-a", "Labels": marks}


@pytest.mark.usefixtures("network_only")
@pytest.mark.parametrize("type_", [(), ("--type", "local-docker")], ids=["any", "type"])
def test_a_machine_with_only_its_network_is_removed_by_name(
    local: Os2, engine: EngineStub, type_: tuple[str, ...]
) -> None:
    removed = local("machine", "rm", "a", "b", *type_)

    assert (removed.status, removed.stdout) == (7, "removed a\n")
    assert "machine b not found" in removed.stderr
    assert engine.networks == {}


@pytest.mark.usefixtures("network_only")
def test_of_another_stage_it_stays(local: Os2, engine: EngineStub) -> None:
    assert local("machine", "rm", "a", "--stage", "dev-other").status == 3
    assert "os2-a" in engine.networks


def test_prune_removes_what_a_killed_command_left_on_the_engine(
    local: Os2, engine: EngineStub
) -> None:
    locks = Path(local.env["HOME"]) / ".local/state/os2/locks"
    ours = Temporary("os2-contents-1", locks).labels
    others = Temporary("os2-contents-2", locks.with_name("elsewhere")).labels
    for name, marks in (("ours", ours), ("others", others)):
        engine.add_foreign(name)
        engine.containers[name]["Config"]["Labels"] = marks

    assert local("snapshot", "prune", "--dry-run").status == 0
    assert {*engine.containers} == {"ours", "others"}
    assert local("snapshot", "prune", "--yes").status == 0
    assert {*engine.containers} == {"others"}
