"""What the engine puts around a machine: the name of this host, where the engine has an address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.limits import Isolation
from os2cli.core.models import MachineSpec
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from tests.engine_stub import EngineStub
from tests.progress import RecordedProgress

# As Docker without its own bridge says it at the start, and an old Podman at the create.
REFUSALS = {
    "/containers/os2-a/start": "unable to derive the IP value for host-gateway",
    "/containers/create": 'invalid IP address in add-host: "host-gateway"',
}


class WithoutGateway(EngineStub):
    """An engine that has no address for its host."""

    at: str

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        answer = super().answer(method, path, body)
        if not path.partition("?")[0].endswith(self.at):
            return answer
        hosts = [each["HostConfig"].get("ExtraHosts") for each in self.containers.values()]
        if not any(hosts):
            return answer
        if self.at.endswith("create"):
            self.containers.clear()
        return 500, {"message": REFUSALS[self.at]}


@pytest.fixture
def machines(engine: Engine, tmp_path: Path) -> LocalDockerMachines:
    return LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())


def spec(isolation: Isolation = Isolation.DEFAULT) -> MachineSpec:
    return MachineSpec(
        name="a", stage="dev-test", snapshot="iterate-sandbox:local", isolation=isolation
    )


@pytest.mark.parametrize("isolation", Isolation)
def test_a_machine_knows_the_name_of_this_host(
    machines: LocalDockerMachines, stub: EngineStub, isolation: Isolation
) -> None:
    machines.create(spec(isolation))

    (body,) = (json.loads(b) for m, p, b in stub.requests if p.startswith("/containers/create"))
    assert body["HostConfig"]["ExtraHosts"] == ["host.docker.internal:host-gateway"]


@pytest.mark.parametrize("at", REFUSALS)
def test_an_engine_without_an_address_for_it_makes_the_machine_without(
    machines: LocalDockerMachines, stub: EngineStub, at: str
) -> None:
    stub.__class__ = WithoutGateway
    vars(stub).update(at=at)
    progress = RecordedProgress()

    machine = machines.create(spec(), progress)

    assert machine.name == "a"
    assert list(stub.containers) == ["os2-a"]
    assert stub.containers["os2-a"]["HostConfig"].get("ExtraHosts") is None
    assert [line for line in progress.warnings if "host.docker.internal" in line] == [
        "the machine does not know host.docker.internal: the engine has no address for it: "
        + REFUSALS[at]
    ]
