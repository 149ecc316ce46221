"""A machine that starts on another port: nothing is lost at any moment of the move."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from os2cli.core.errors import Conflict, Os2Error
from os2cli.core.models import Machine, MachineSpec, MachineState
from os2cli.host.certificates import HostCertificates
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from tests.engine_stub import EngineStub, Fault

SPEC = MachineSpec(name="a", stage="dev-test", snapshot="iterate-sandbox:local")
# A move: the list and the container; the lists of copies and ports; commit, create, start, remove,
# rename.
COMMIT, CREATE, START, REMOVE, RENAME = 4, 5, 6, 7, 8


@pytest.fixture
def machines(engine: Engine, tmp_path: Path) -> LocalDockerMachines:
    return LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())


@pytest.fixture
def stopped(machines: LocalDockerMachines) -> Machine:
    machines.create(SPEC)
    return machines.stop("a")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_it_runs_on_the_port_with_its_files_and_volumes(
    machines: LocalDockerMachines, stub: EngineStub, stopped: Machine, port: int
) -> None:
    before = stub.containers["os2-a"]

    machine = machines.start_on("a", port)

    assert (machine.name, machine.port, machine.state) == ("a", port, MachineState.RUNNING)
    assert list(stub.containers) == ["os2-a"]
    made = stub.containers["os2-a"]["Config"]
    assert made["Image"] == "sha256:" + "2" * 64
    assert made["HostConfig"]["VolumesFrom"] == [stopped.id]
    assert made["HostConfig"]["CapDrop"] == before["HostConfig"]["CapDrop"]
    assert made["HostConfig"]["NetworkMode"] == before["HostConfig"]["NetworkMode"]
    assert made["Labels"] == before["Config"]["Labels"] | {
        labels.PORT: str(port),
        labels.MOVED: stopped.id,
    }
    assert made["Env"] == before["Config"]["Env"]
    (removal,) = (path for method, path, _ in stub.requests if method == "DELETE")
    assert "v=False" in removal
    assert machines.list() == [machines.get("a")]


def test_it_moves_again(
    machines: LocalDockerMachines, stub: EngineStub, stopped: Machine, port: int
) -> None:
    machines.start_on("a", port)
    machines.stop("a")
    assert stopped.port is not None

    assert machines.start_on("a", stopped.port).port == stopped.port
    assert list(stub.containers) == ["os2-a"]


def test_its_own_port_is_a_plain_start(
    machines: LocalDockerMachines, stub: EngineStub, stopped: Machine
) -> None:
    assert stopped.port is not None
    assert machines.start_on("a", stopped.port).state is MachineState.RUNNING
    assert not [path for _, path, _ in stub.requests if "/commit" in path]


def test_one_that_runs_stays_where_it_is(
    machines: LocalDockerMachines, stub: EngineStub, port: int
) -> None:
    machines.create(SPEC)

    with pytest.raises(Conflict) as caught:
        machines.start_on("a", port)

    assert caught.value.hint == "stop it first: os2 machine stop a"
    assert list(stub.containers) == ["os2-a"]


def test_a_taken_port_is_named_before_anything_is_made(
    machines: LocalDockerMachines, stub: EngineStub, stopped: Machine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(Conflict, match=f"port {port} is in use"):
            machines.start_on("a", port)

    assert not [path for _, path, _ in stub.requests if "/commit" in path]
    assert machines.get("a") == stopped


@pytest.mark.parametrize("number", [COMMIT, CREATE, START, REMOVE])
@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.STATUS_500])
def test_a_move_that_fails_leaves_the_machine_as_it_was(
    machines: LocalDockerMachines, stub: EngineStub, stopped: Machine, port: int, number: int,
    fault: Fault,
) -> None:  # fmt: skip
    stub.count, stub.faults = 0, {number: fault}

    with pytest.raises(Os2Error):
        machines.start_on("a", port)

    assert list(stub.containers) == ["os2-a"]
    assert machines.get("a") == stopped


def test_a_name_that_is_not_changed_hides_nothing(
    machines: LocalDockerMachines, stub: EngineStub, stopped: Machine, port: int
) -> None:
    stub.count, stub.faults = 0, {RENAME: Fault.RESET_BEFORE}

    with pytest.raises(Os2Error):
        machines.start_on("a", port)

    assert stopped.id not in stub.containers
    assert [each.port for each in machines.list()] == [machines.get("a").port] == [port]


class TestKilled:
    """What a killed os2 leaves beside the machine is in no list, and goes with the next change."""

    @pytest.fixture
    def copy(self, stub: EngineStub, stopped: Machine) -> str:
        first = stub.containers[stopped.id]
        text = json.loads(json.dumps(first))
        text["Config"]["Labels"][labels.MOVED] = stopped.id
        stub.containers["os2-a-copy"] = {**text, "Id": "os2-a-copy", "Name": "/os2-a-copy"}
        return "os2-a-copy"

    def test_is_in_no_list(
        self, machines: LocalDockerMachines, stopped: Machine, copy: str
    ) -> None:
        assert machines.list() == [machines.get("a")] == [stopped]
        assert copy != stopped.id

    def test_goes_with_the_next_move(
        self, machines: LocalDockerMachines, stub: EngineStub, copy: str, port: int
    ) -> None:
        machines.start_on("a", port)

        assert copy not in stub.containers
        assert list(stub.containers) == ["os2-a"]

    def test_goes_with_the_machine(
        self, machines: LocalDockerMachines, stub: EngineStub, copy: str
    ) -> None:
        del copy
        assert machines.remove("a")

        assert stub.containers == {}

    def test_is_the_machine_once_the_first_is_gone(
        self, machines: LocalDockerMachines, stub: EngineStub, stopped: Machine, copy: str
    ) -> None:
        del stub.containers[stopped.id]

        assert machines.get("a").id == copy
        assert [each.name for each in machines.list()] == ["a"]
