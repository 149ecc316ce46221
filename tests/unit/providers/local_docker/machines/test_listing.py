"""A list of machines from an engine that answers anything about one of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import OperationFailed, PartlyDone
from os2cli.core.left_out import left_out
from os2cli.core.models import MachineSpec
from os2cli.host.certificates import HostCertificates
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.catalog import LocalImages
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from tests.engine_stub import EngineStub

# What is not an item of any list, and of no shape that os2 reads.
GARBLED: list[Any] = [None, 7, "text", [], {}, [{}], {"Id": 7}, {"Id": "", "Labels": {}}]
# What does not describe a container.
NO_CONTAINER = [*GARBLED, {"Id": "os2-bad"}, {"Id": "os2-bad", "State": "x", "Config": 3}]
REFUSED = (400, 403, 404, 409, 500)


class Odd(EngineStub):
    """An engine that answers a method and a path that ends so in its own way."""

    method: str = "GET"
    at: str
    status: int = 200
    body: Any
    more: bool = False
    times: float = math.inf

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        is_at = method == self.method and path.partition("?")[0].endswith(self.at)
        self.times -= is_at
        if not is_at or self.times < 0:
            return super().answer(method, path, body)
        own = super().answer(method, path, body)[1] if self.more else []
        return self.status, [self.body, *own] if self.more else self.body


@pytest.fixture
def machines(engine: Engine, tmp_path: Path) -> LocalDockerMachines:
    """Two machines: good and bad."""
    both = LocalDockerMachines(engine, tmp_path, HostCertificates())
    for name in ("good", "bad"):
        both.create(MachineSpec(name=name, stage="dev-test", snapshot="iterate-sandbox:local"))
    return both


def become_odd(stub: EngineStub, **fields: Any) -> None:
    stub.__class__ = Odd
    vars(stub).update(fields)


@pytest.mark.parametrize(
    ("status", "body"),
    [*((200, each) for each in NO_CONTAINER), *((each, {"message": "no"}) for each in REFUSED)],
    ids=str,
)
def test_a_container_that_cannot_be_read_is_left_out_by_its_name(
    machines: LocalDockerMachines, stub: EngineStub, status: int, body: Any
) -> None:
    become_odd(stub, at="/containers/os2-bad/json", status=status, body=body)

    with left_out() as things:
        listed = machines.list()

    assert [machine.name for machine in listed] == ["good"]
    assert things == ["machine bad (container os2-bad)"]


def test_one_that_is_gone_meanwhile_is_not_left_out(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    # The first request is the list.
    stub.count = 0

    def remove_after_the_list(number: int) -> None:
        if number == 1:
            del stub.containers["os2-bad"]

    stub.on_request = remove_after_the_list

    with left_out() as things:
        listed = machines.list()

    assert ([machine.name for machine in listed], things) == (["good"], [])


@pytest.mark.parametrize("times", range(1, 4))
def test_one_that_is_being_created_is_found_in_the_end(
    machines: LocalDockerMachines, stub: EngineStub, times: int
) -> None:
    at = "/containers/os2-bad/json"
    become_odd(stub, at=at, status=404, body={"message": "no"}, times=times)

    with left_out() as things:
        listed = machines.list()

    assert ([machine.name for machine in listed], things) == (["bad", "good"], [])


@pytest.mark.parametrize("bad", GARBLED, ids=str)
@pytest.mark.parametrize("at", ["/containers/json", "/networks"])
def test_an_item_that_cannot_be_read_is_left_out(
    machines: LocalDockerMachines, stub: EngineStub, at: str, bad: Any
) -> None:
    become_odd(stub, at=at, body=bad, more=True)

    with left_out() as things:
        machines.list()
        machines.remnants()

    assert things == [f"an item of GET {at}"]


@pytest.mark.parametrize("bad", GARBLED, ids=str)
def test_a_removal_that_may_leave_a_network_is_partly_done(
    machines: LocalDockerMachines, stub: EngineStub, bad: Any
) -> None:
    become_odd(stub, at="/networks", body=bad, more=True)

    with pytest.raises(PartlyDone) as caught:
        machines.remove("bad")

    assert caught.value.hint == "remove what is left: os2 machine rm bad"
    assert list(stub.containers) == ["os2-good"]
    assert list(stub.networks) == ["os2-good"]


@pytest.mark.parametrize("status", [200, 201, 304, 404, 409, 500])
def test_a_network_that_stays_is_an_error(
    machines: LocalDockerMachines, stub: EngineStub, status: int
) -> None:
    at = "/networks/os2-bad"
    become_odd(stub, method="DELETE", at=at, status=status, body={"message": "no"})

    with pytest.raises(Exception, match="network of machine bad") as caught:
        machines.remove("bad")

    assert caught.value.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [200, 404])
def test_an_image_that_stays_is_an_error(
    engine: Engine, stub: EngineStub, tmp_path: Path, status: int
) -> None:
    images = LocalImages(engine, BuildLogs(tmp_path / "logs"), tmp_path)
    (image,) = images.list()
    at, body = "/images/iterate-sandbox:local", {"message": "no"}
    become_odd(stub, method="DELETE", at=at, status=status, body=body)

    with pytest.raises(OperationFailed, match="still exists after its removal"):
        images.remove(image)


def test_a_name_is_what_can_be_read(machines: LocalDockerMachines, stub: EngineStub) -> None:
    marks = {labels.MACHINE: "1", labels.NAME: 7}
    bad = json.loads(json.dumps({"Id": 7, "Names": ["/os2-x"], "Labels": marks}))
    become_odd(stub, at="/containers/json", body=bad, more=True)

    with left_out() as things:
        machines.list()

    assert things == ["os2-x of GET /containers/json"]
