"""A machine whose container was renamed: its label has its name, in every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.core.errors import Conflict, NotFound
from os2cli.core.models import LogRequest, Machine, MachineSpec, MachineState
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from tests.engine_stub import EngineStub

SPEC = MachineSpec(name="a", stage="dev-test", snapshot="iterate-sandbox:local")
OTHER = MachineSpec(name="b", stage="dev-test", snapshot="iterate-sandbox:local")


@pytest.fixture
def machines(engine: Engine, tmp_path: Path) -> LocalDockerMachines:
    return LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())


@pytest.fixture(params=["mine", "os2-c", "a"])
def renamed(
    request: pytest.FixtureRequest, machines: LocalDockerMachines, stub: EngineStub
) -> Machine:
    """A machine whose container has another name, also that of another machine's."""
    machines.create(SPEC)
    stub.rename("os2-a", request.param)
    return machines.list()[0]


def test_list_and_show_agree(machines: LocalDockerMachines, renamed: Machine) -> None:
    assert renamed.name == "a"
    assert machines.get("a") == renamed


def test_only_the_label_names_it(machines: LocalDockerMachines, renamed: Machine) -> None:
    for name in ("c", "mine", "os2-c", "os2-a"):
        with pytest.raises(NotFound):
            machines.get(name)
        assert not machines.remove(name)
    assert machines.list() == [renamed]


def test_it_is_stopped_started_and_removed(machines: LocalDockerMachines, renamed: Machine) -> None:
    assert machines.stop("a").state is MachineState.STOPPED
    assert machines.start("a").state is MachineState.RUNNING
    assert [*machines.logs("a", LogRequest())] == ["a line"]

    assert machines.remove("a")

    assert machines.list() == []
    assert renamed.name == "a"


def test_there_is_no_second_of_its_name(
    machines: LocalDockerMachines, stub: EngineStub, renamed: Machine
) -> None:
    with pytest.raises(Conflict) as caught:
        machines.create(SPEC)

    assert caught.value.code == "machine_exists"
    assert machines.list() == [renamed]
    assert list(stub.networks) == ["os2-a"]


def test_its_network_is_not_left_over(
    machines: LocalDockerMachines, stub: EngineStub, renamed: Machine
) -> None:
    del renamed
    assert machines.remnants() == []
    assert not machines.remove_remnant("a")
    assert list(stub.networks) == ["os2-a"]


def test_a_name_that_its_container_has_is_taken(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    machines.create(SPEC)
    stub.rename("os2-a", "os2-b")

    with pytest.raises(Conflict) as caught:
        machines.create(OTHER)

    assert caught.value.code == "name_taken"
    assert caught.value.message == "container os2-b is machine a, renamed"
    assert [each.name for each in machines.list()] == ["a"]


def test_machines_may_swap_their_names(machines: LocalDockerMachines, stub: EngineStub) -> None:
    machines.create(SPEC)
    machines.create(OTHER)
    stub.rename("os2-a", "free")
    stub.rename("os2-b", "os2-a")
    stub.rename("free", "os2-b")

    machines.remove("a")

    assert list(stub.containers) == ["os2-a"]
    assert machines.get("b").id == "os2-a"
