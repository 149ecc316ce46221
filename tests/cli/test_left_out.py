"""A command that changes all it finds does the rest and fails, if it could not read all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.lives import machine
from tests.command import Os2, Result
from tests.daytona_server import DaytonaServer, Fault
from tests.daytona_server.records import SandboxRecord
from tests.engine_stub import EngineStub

HERE = ("--type", "local-docker", "--yes")
CLOUD = ("--type", "daytona", "--yes")
ALL = [("rm", "--all"), ("prune", "--older-than", "0s"), ("stop", "--all"), ("archive", "--all")]


class Garbling(EngineStub):
    """An engine that answers ``bad`` for the inspection of os2-bad, with ``status``."""

    bad: Any
    status: int = 200

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "GET" and path.endswith("/containers/os2-bad/json"):
            return self.status, self.bad
        return super().answer(method, path, body)


class Adding(EngineStub):
    """An engine whose list at ``at`` also has ``bad``."""

    bad: Any
    at: str

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        status, answer = super().answer(method, path, body)
        is_list = method == "GET" and path.partition("?")[0].endswith(self.at)
        return status, [self.bad, *answer] if is_list else answer


def become(engine: EngineStub, kind: type[EngineStub], **fields: Any) -> None:
    engine.__class__ = kind
    vars(engine).update(fields)


def assert_unfinished(done: Result, name: str = "") -> None:
    """Check the exit code, the one error and its hint."""
    assert done.status == 7, (done.stdout, done.stderr)
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert name in error
    assert "hint: " in done.stderr
    assert "os2 machine" in done.stderr.rpartition("hint: ")[2]


@pytest.fixture
def here(os2: Os2, engine: EngineStub) -> Os2:
    """The CLI with an engine that has two machines, of which one will be unreadable."""
    local = Os2(os2.folder, {**os2.env, "DOCKER_HOST": engine.url})
    for name in ("bad", "good"):
        done = local("machine", "create", name, "--no-wait", "--snapshot", "iterate-sandbox:local")
        assert done.status == 0, done.stderr
    return local


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_a_container_that_cannot_be_inspected(
    here: Os2, engine: EngineStub, command: tuple[str, ...]
) -> None:
    become(engine, Garbling, bad={"Id": "os2-bad", "State": 7})

    done = here("machine", *command, *HERE)

    assert_unfinished(done, "machine bad")
    assert "os2-bad" in engine.containers
    good = engine.containers.get("os2-good")
    assert good is None or good["State"]["Status"] == "exited"


def test_a_container_that_is_listed_but_not_found(here: Os2, engine: EngineStub) -> None:
    become(engine, Garbling, bad={"message": "No such container"}, status=404)

    assert_unfinished(here("machine", "rm", "--all", *HERE), "machine bad")


def test_a_list_goes_on(here: Os2, engine: EngineStub) -> None:
    become(engine, Garbling, bad=None)

    done = here("machine", "list", "-q")

    assert (done.status, done.stdout) == (0, "good\n")
    assert "warning: machine bad" in done.stderr


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_a_list_of_containers_with_an_item_that_cannot_be_read(
    here: Os2, engine: EngineStub, command: tuple[str, ...]
) -> None:
    become(engine, Adding, bad={"Id": 7, "Names": ["/os2-x"]}, at="/containers/json")

    assert_unfinished(here("machine", *command, *HERE), "os2-x")


@pytest.mark.parametrize(
    "command",
    [("rm", "good"), ("rm", "good", "--force"), ("rm", "--all", "--type", "local-docker")],
    ids=" ".join,
)
def test_a_network_that_cannot_be_read(
    here: Os2, engine: EngineStub, command: tuple[str, ...]
) -> None:
    become(engine, Adding, bad=None, at="/networks")

    done = here("machine", *command, "--yes")

    assert_unfinished(done, "good")
    assert "os2-good" not in engine.containers
    assert "os2-good" not in engine.networks


def test_what_could_not_be_read_is_removed_by_the_command_of_the_hint(
    here: Os2, engine: EngineStub
) -> None:
    class Hiding(EngineStub):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            is_list = method == "GET" and path.partition("?")[0].endswith("/networks")
            return (200, [None]) if is_list else super().answer(method, path, body)

    become(engine, Hiding)
    done = here("machine", "rm", "good")
    assert_unfinished(done, "good")
    assert "os2-good" in engine.networks
    engine.__class__ = EngineStub

    again = here(*done.stderr.rpartition(": os2 ")[2].split())

    assert again.status == 0, again.stderr
    assert list(engine.networks) == ["os2-bad"]


def test_a_network_that_is_not_found_but_listed_is_left(here: Os2, engine: EngineStub) -> None:
    class Deaf(EngineStub):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            gone = method == "DELETE" and "/networks/" in path
            return (404, {"message": "no"}) if gone else super().answer(method, path, body)

    become(engine, Deaf)

    done = here("machine", "rm", "good")

    assert done.status == 1
    assert "error: the network of machine good still exists" in done.stderr
    assert "os2 machine rm good" in done.stderr


def test_remnants_that_cannot_be_listed(here: Os2, engine: EngineStub) -> None:
    class Refusing(EngineStub):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            is_list = method == "GET" and path.partition("?")[0].endswith("/networks")
            return (500, {"message": "no"}) if is_list else super().answer(method, path, body)

    engine.containers.clear()
    become(engine, Refusing)

    for command in (("rm", "--all", *HERE), ("prune", "--yes"), ("rm", "good", "--force")):
        assert_unfinished(here("machine", *command), "local-docker")


def spoil(daytona: DaytonaServer, path: str, items: list[Any], bad: Any) -> None:
    """Let the list have one more item, which cannot be read."""
    body = {"items": [*items, bad], "nextCursor": None, "total": 2, "page": 1, "totalPages": 1}
    fault = Fault(status=200, body=json.dumps(body), content_type="application/json")
    daytona.fail_next("GET", path, fault, times=3)


@pytest.fixture
def good(daytona: DaytonaServer) -> SandboxRecord:
    """A machine on Daytona, in a list with something that cannot be read."""
    one = machine(daytona, "good")
    item = {"id": one.id, "name": one.name, "state": "started", "labels": {**one.labels}}
    spoil(daytona, "/sandbox", [item], {"id": "odd", "labels": 7})
    return one


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_a_sandbox_that_cannot_be_read(
    cloud: Os2, good: SandboxRecord, command: tuple[str, ...]
) -> None:
    done = cloud("machine", *command, *CLOUD, "--stage", "stg")

    assert_unfinished(done, "sandbox odd")
    assert good.state != "started"


@pytest.mark.usefixtures("published", "good")
def test_a_sandbox_that_cannot_be_read_is_a_warning_of_a_list(cloud: Os2) -> None:
    done = cloud("machine", "list", "-q", "--type", "daytona")

    assert (done.status, done.stdout) == (0, "good\n")
    assert "warning: sandbox odd " in done.stderr


OLD = "stg--20260101-000000"
REMOVALS = [("rm", OLD), ("prune", "--keep", "0", "--older-than", "1d", "--type", "daytona")]


@pytest.fixture
def old(daytona: DaytonaServer) -> dict[str, Any]:
    """A snapshot that is pruned, beside a newer one."""
    daytona.add_snapshot("stg--20260111-193045", created=datetime(2026, 1, 11, tzinfo=UTC))
    return daytona.add_snapshot(OLD, created=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("command", REMOVALS, ids=lambda command: command[0])
def test_a_snapshot_that_is_not_found_for_its_removal_but_is_there(
    cloud: Os2, daytona: DaytonaServer, old: dict[str, Any], command: tuple[str, ...]
) -> None:
    daytona.fail_next("DELETE", f"/snapshots/{old['id']}", Fault(404, {"message": "gone"}))

    done = cloud("snapshot", *command, "--yes")

    assert done.status == 1, done.stderr
    assert f"error: snapshot {OLD} still exists" in done.stderr
    assert f"os2 snapshot rm {OLD}" in done.stderr


def test_a_snapshot_that_cannot_be_read(
    cloud: Os2, daytona: DaytonaServer, old: dict[str, Any]
) -> None:
    spoil(daytona, "/snapshots", [old], {"name": "stg--odd", "id": 7})

    done = cloud("snapshot", *REMOVALS[1], "--yes")

    assert done.status == 7, (done.stdout, done.stderr)
    assert "error: not all images and snapshots could be read" in done.stderr
    assert "snapshot stg--odd" in done.stderr


def test_a_list_as_a_document_says_that_it_is_not_whole(here: Os2, engine: EngineStub) -> None:
    become(engine, Garbling, bad={"Id": "os2-bad", "State": 7})

    done = here("machine", "list", *HERE[:2], "--json")

    assert (done.status, done.json()["partial"]) == (7, True)
    assert [machine["name"] for machine in done.json()["machines"]] == ["good"]
    (left_out,) = done.json()["left_out"]
    assert "bad" in left_out


def test_a_list_of_snapshots_says_that_it_is_not_whole(os2: Os2, engine: EngineStub) -> None:
    become(engine, Adding, bad={"Id": 7, "RepoTags": ["iterate-sandbox:bad"]}, at="/images/json")
    local = Os2(os2.folder, {**os2.env, "DOCKER_HOST": engine.url})

    done = local("snapshot", "list", *HERE[:2], "--json")

    assert (done.status, done.json()["partial"]) == (7, True)
    assert len(done.json()["left_out"]) == 1
