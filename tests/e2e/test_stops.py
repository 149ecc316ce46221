"""A stop that was asked for reads as stopped, a crash as failed, with any exit code."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from os2cli.core.limits import Isolation
from os2cli.core.models import MachineSpec, MachineState
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from os2cli.providers.local_docker.machines.stops import mark_stop, was_asked_for
from tests.engine import engine_endpoint, sandbox_image

pytestmark = pytest.mark.engine

# It ends with the code of the file when it is asked to, or by itself.
PROGRAM = "trap 'exit $(cat /tmp/code)' TERM; while ! [ -e /tmp/crash ]; do sleep 0.1; done; exit 7"


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[LocalDockerMachines]:
    engine = Engine(engine_endpoint())
    yield LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())
    engine.client.close()


@pytest.fixture(params=Isolation)
def name(
    machines: LocalDockerMachines, engine: docker.APIClient, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A running machine with the program."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    dockerfile = f'FROM {sandbox_image()}\nENTRYPOINT ["sh", "-c", "{PROGRAM}"]\n'
    for _ in engine.build(fileobj=io.BytesIO(dockerfile.encode()), tag=f"{name}:test", rm=True):
        pass
    try:
        image = f"{name}:test"
        spec = MachineSpec(name, "dev-test", image, isolation=request.param)
        machines.create(spec)
        yield name
    finally:
        machines.remove(name)
        engine.remove_image(f"{name}:test", force=True)


def run(engine: docker.APIClient, name: str, command: str) -> None:
    execution = engine.exec_create(f"os2-{name}", ["sh", "-c", command])
    engine.exec_start(execution["Id"])


def states(machines: LocalDockerMachines, name: str) -> set[MachineState]:
    listed = {machine.state for machine in machines.list() if machine.name == name}
    return {*listed, machines.get(name).state, machines.stop(name).state}


def test_with_any_exit_code(
    machines: LocalDockerMachines, name: str, engine: docker.APIClient
) -> None:
    for code in (0, 1, 129, 141):
        run(engine, name, f"echo {code} > /tmp/code")
        assert machines.stop(name).state is MachineState.STOPPED
        assert engine.inspect_container(f"os2-{name}")["State"]["ExitCode"] == code
        assert states(machines, name) == {MachineState.STOPPED}
        assert machines.start(name).state is MachineState.RUNNING

    # A crash after a stop is one.
    run(engine, name, "touch /tmp/crash")
    engine.wait(f"os2-{name}")
    assert states(machines, name) == {MachineState.FAILED}


def test_a_crash_in_the_second_of_a_stop_is_one(engine: docker.APIClient) -> None:
    """The mark of a stop is that of one end, however soon the next one is."""
    connected = Engine(engine_endpoint())
    name = f"test-{uuid.uuid4().hex[:8]}"
    engine.create_container(sandbox_image(), ["-c", "exit 1"], name=name, entrypoint=["sh"])
    try:
        for _ in range(5):
            engine.start(name)
            engine.wait(name)
            assert not was_asked_for(connected, engine.inspect_container(name))
            mark_stop(connected, name)
            assert was_asked_for(connected, engine.inspect_container(name))
    finally:
        engine.remove_container(name, force=True)
        connected.client.close()
