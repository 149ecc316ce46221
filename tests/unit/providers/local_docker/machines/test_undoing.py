"""What becomes of a create that fails: on an engine that answers, and on one that does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.core.cancellation import Interrupted
from os2cli.core.errors import Conflict, NotFound, Os2Error, Unreachable
from os2cli.core.models import LogRequest, MachineSpec, MachineState
from os2cli.core.notices import NOTICES
from os2cli.host.certificates import HostCertificates
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from os2cli.providers.local_docker.machines.undoing import Undoing
from tests.engine_stub import EngineStub, Fault, engine_stub
from tests.progress import RecordedProgress

SPEC = MachineSpec(name="a", stage="dev-test", snapshot="iterate-sandbox:local")
# The calls of a create without certificates of the host: 3 for the name, 3 for the network, ports,
# create, start, inspect.
CREATE, START, INSPECT = 7, 8, 9


@pytest.fixture
def stub() -> Iterator[EngineStub]:
    with engine_stub() as stub:
        yield stub


@pytest.fixture
def machines(stub: EngineStub, tmp_path: Path) -> Iterator[LocalDockerMachines]:
    engine = Engine(Endpoint(stub.url, "a test"))
    yield LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())
    engine.client.close()


def failure(machines: LocalDockerMachines, progress: RecordedProgress | None = None) -> Os2Error:
    with pytest.raises(Os2Error) as caught:
        machines.create(SPEC, progress or RecordedProgress())
    return caught.value


@pytest.mark.parametrize("number", [CREATE, START, INSPECT])
@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.REDIRECT, Fault.STATUS_503])
def test_a_create_that_fails_at_any_call_is_undone(
    machines: LocalDockerMachines, stub: EngineStub, number: int, fault: Fault
) -> None:
    stub.faults[number] = fault

    failure(machines)

    assert stub.containers == {}


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.HTML, Fault.NULL])
def test_a_create_whose_answer_is_lost_is_found_by_its_mark(
    machines: LocalDockerMachines, stub: EngineStub, fault: Fault
) -> None:
    stub.faults[CREATE] = fault

    failure(machines)

    assert stub.containers == {}
    assert machines.create(SPEC).name == "a"


def test_a_machine_of_another_create_stays(machines: LocalDockerMachines, stub: EngineStub) -> None:
    machines.create(SPEC)

    assert isinstance(failure(machines), Conflict)

    assert list(stub.containers) == ["os2-a"]


def test_what_cannot_be_undone_is_named(machines: LocalDockerMachines, stub: EngineStub) -> None:
    stub.faults = {START: Fault.RESET_AFTER, START + 1: Fault.STATUS_500}
    progress = RecordedProgress()

    error = failure(machines, progress)

    assert isinstance(error, Unreachable)
    assert error.code == "engine_closed"
    assert (error.hint or "").endswith("remove what may be left: os2 machine rm a")
    assert any(line.startswith("machine a may still exist: ") for line in progress.warnings)


def test_a_container_that_never_started_is_a_leftover_once_its_creator_is_gone(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    machines.create(SPEC)
    stub.containers["os2-a"]["State"] = {"Status": "created"}

    with machines.locks.held("a"):
        assert not machines.get("a").unfinished
    assert machines.get("a").unfinished
    assert [machine.unfinished for machine in machines.list()] == [True]


def test_a_creator_with_other_locks_may_be_at_work(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    machines.create(SPEC)
    stub.containers["os2-a"]["State"] = {"Status": "created"}
    stub.containers["os2-a"]["Config"]["Labels"][labels.CREATOR] = "another"

    assert not machines.get("a").unfinished


def test_a_create_keeps_off_the_create_of_another_user(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    machines.create(SPEC)
    stub.containers["os2-a"]["State"] = {"Status": "created"}
    for thing in (stub.containers["os2-a"]["Config"], stub.networks["os2-a"]):
        thing["Labels"] = {**thing["Labels"], labels.CREATOR: "another", labels.REQUEST: "theirs"}

    # Their create has its network and its container.
    assert failure(machines).code == "machine_busy"
    assert (list(stub.containers), list(stub.networks)) == (["os2-a"], ["os2-a"])

    # After a while it is a leftover.
    old = {labels.CREATED: "2026-01-11T19:30:45Z"}
    stub.containers["os2-a"]["Config"]["Labels"] |= old
    assert machines.create(SPEC).name == "a"


def test_a_create_and_its_undoing_leave_the_network_of_another_create(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    machines.create(SPEC)
    del stub.containers["os2-a"]
    theirs = stub.networks.pop("os2-a")
    theirs["Labels"] |= {labels.CREATOR: "another", labels.REQUEST: "theirs"}
    stub.networks["theirs"] = {**theirs, "Id": "theirs"}

    with pytest.raises(NotFound):
        machines.create(replace(SPEC, snapshot="missing"))

    assert list(stub.networks) == ["theirs"]


def test_one_container_that_cannot_be_read_costs_one_line(
    machines: LocalDockerMachines, stub: EngineStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.create(SPEC)
    marks = {"Labels": {labels.MACHINE: "1"}}
    stub.containers["bad"] = {"Id": "bad", "State": 7, "Config": marks}
    lines: list[str] = []
    monkeypatch.setattr(NOTICES, "_known", {})
    monkeypatch.setattr(NOTICES, "_report", lambda text, _: lines.append(text))

    assert [machine.name for machine in machines.list()] == ["a"]

    assert len(lines) == 1
    assert lines[0].startswith("container bad is not listed: ")


def test_a_followed_log_that_breaks_off_is_an_error(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    machines.create(SPEC)
    stub.count, stub.faults = 0, {1: Fault.TRUNCATED}

    with pytest.raises(Unreachable) as caught:
        list(machines.logs("a", LogRequest(follow=True)))

    assert caught.value.code == "engine_closed"
    assert "lost the connection" in caught.value.message


@pytest.mark.parametrize("code", [0, 1, 111, 137, 143, 255])
def test_a_machine_that_was_asked_to_stop_is_stopped(
    machines: LocalDockerMachines, stub: EngineStub, code: int
) -> None:
    machines.create(SPEC)
    stub.stop_code = code

    assert machines.stop("a").state is MachineState.STOPPED


def test_a_signal_while_the_engine_makes_the_network_leaves_none(
    machines: LocalDockerMachines, stub: EngineStub
) -> None:
    undoing, asked = Undoing(machines.engine, "a", RecordedProgress()), threading.Event()

    def make() -> str:
        asked.set()
        time.sleep(0.3)  # the engine's pace
        marks = {labels.MACHINE: "1", labels.NAME: "a"}
        stub.networks["os2-a"] = {"Id": "os2-a", "IPAM": {}, "Labels": marks}
        return "os2-a"

    waiting = threading.Thread(target=undoing.network_of, args=(make,))

    def interrupt() -> None:
        with undoing.on_failure():
            waiting.start()
            asked.wait()
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        interrupt()
    waiting.join()

    assert stub.networks == {}
