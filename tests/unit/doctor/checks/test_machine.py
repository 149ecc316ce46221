"""The checks that start a machine: what is broken on an engine that answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import NotFound
from os2cli.doctor.findings import Finding, Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.doctor.runner import CHECKS, TRIAL_CHECKS, run_checks
from os2cli.doctor.shared import once
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.temporary import LABEL, Temporary
from os2cli.providers.local_docker.machines.trial import try_machine
from os2cli.providers.local_docker.machines.trial_result import Trial
from tests.engine_stub import EngineStub, Fault, engine_stub

IMAGE = ImageFreshness("iterate-sandbox:local", datetime(2026, 1, 11, tzinfo=UTC), fresh=True)


class Broken(EngineStub):
    """An engine that refuses one request, as one that is broken in one way does."""

    at: str
    why: str

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path.partition("?")[0].endswith(self.at):
            self.requests.append((method, path, body.decode(errors="replace")))
            return 500, {"message": self.why}
        return super().answer(method, path, body)


class TakesNoFiles(EngineStub):
    """An engine whose storage is broken."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "PUT" and "/archive" in path:
            return 500, {"message": "input/output error"}
        return super().answer(method, path, body)


@pytest.fixture
def stub() -> Iterator[EngineStub]:
    with engine_stub() as running:
        yield running


@pytest.fixture
def inputs(stub: EngineStub, tmp_path: Path) -> DoctorInputs:
    """A host whose engine works; each test breaks one thing."""
    endpoint = Endpoint(stub.url, "DOCKER_HOST")
    engine = Engine(endpoint)
    return DoctorInputs(
        variables={"APP_STAGE": "stg"},
        home=tmp_path,
        endpoint=endpoint,
        repo_root=None,
        image=lambda: IMAGE,
        system="Linux",
        architecture="x86_64",
        host_name="here",
        tcp_api=Endpoint("tcp://127.0.0.1:1", "the default TCP API"),
        addresses=(),
        trial=once(lambda: try_machine(engine, IMAGE.reference, tmp_path, "a.example")),
        quick=False,
    )


def findings(inputs: DoctorInputs) -> dict[str, Finding]:
    return {each.check: each for each in run_checks(inputs) if each.check in TRIAL_CHECKS}


def statuses(inputs: DoctorInputs) -> dict[str, Status]:
    return {name: finding.status for name, finding in findings(inputs).items()}


ALL_OK = dict.fromkeys(TRIAL_CHECKS, Status.OK)


def test_an_engine_that_works_has_no_findings_and_nothing_left(
    inputs: DoctorInputs, stub: EngineStub, tmp_path: Path
) -> None:
    assert statuses(inputs) == ALL_OK

    assert (stub.containers, stub.networks) == ({}, {})
    assert not list(tmp_path.glob("trial-*"))
    # Once for all checks.
    assert len([path for _, path, _ in stub.requests if "/containers/create" in path]) == 1


def test_it_is_started_as_a_machine_is_but_no_list_shows_it(
    inputs: DoctorInputs, stub: EngineStub
) -> None:
    findings(inputs)

    (body,) = (json.loads(b) for _, path, b in stub.requests if "/containers/create" in path)
    assert body["HostConfig"]["CapDrop"] == ["ALL"]
    assert body["HostConfig"]["AutoRemove"] is True
    assert {each["HostIp"] for each in next(iter(body["HostConfig"]["PortBindings"].values()))} <= {
        "127.0.0.1",
        "::1",
    }
    assert list(body["Labels"]) == [LABEL, "dev.os2.temporary.name"]


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("/networks/create", "could not find an available, non-overlapping IPv4 address pool"),
        ("/networks/create", "Failed to Setup IP tables: iptables not found"),
        ("/start", "failed to create endpoint: bridge network not found"),
        ("/containers/create", "write /var/lib/docker/x: no space left on device"),
        ("/exec", "OCI runtime exec failed"),
    ],
)
def test_why_a_create_fails_is_a_problem(
    inputs: DoctorInputs, stub: EngineStub, at: str, why: str
) -> None:
    stub.__class__ = Broken
    vars(stub).update(at=at, why=why)

    found = findings(inputs)

    problem = found.pop("machine")
    assert problem.status is Status.PROBLEM
    assert why in problem.what or "disk is full" in problem.what
    assert problem.remedy
    assert "os2 doctor" not in problem.remedy.text
    assert {each.status for each in found.values()} == {Status.SKIPPED}
    assert (stub.containers, stub.networks) == ({}, {})


@pytest.mark.parametrize(
    ("changes", "check", "status", "what"),
    [
        ({"resolves": "no"}, "machine-names", Status.WARNING, "does not resolve"),
        ({"resolves": ""}, "machine-names", Status.WARNING, "does not resolve"),
        ({"free": "1000000"}, "machine-disk", Status.PROBLEM, "1.0 GB free"),
        ({"free": "5000000"}, "machine-disk", Status.WARNING, "5.1 GB free"),
        ({"free": "no"}, "machine-disk", Status.SKIPPED, "cannot tell"),
        ({"mark": "another"}, "machine-files", Status.WARNING, "does not get"),
        ({"clock": "1000"}, "machine-clock", Status.PROBLEM, "s behind"),
        ({"clock": "99999999999"}, "machine-clock", Status.PROBLEM, "s ahead"),
        ({"clock": "yesterday"}, "machine-clock", Status.SKIPPED, "cannot tell"),
        ({"clock": "9" * 5000}, "machine-clock", Status.SKIPPED, "cannot tell"),
        ({"node": ""}, "machine", Status.OK, "was not tried"),
    ],
)
def test_what_a_machine_lacks_is_named(
    inputs: DoctorInputs,
    stub: EngineStub,
    changes: dict[str, str],
    check: str,
    status: Status,
    what: str,
) -> None:
    stub.trial = changes

    found = findings(inputs)

    assert what in found[check].what
    assert {name: each.status for name, each in found.items()} == ALL_OK | {check: status}
    if status in (Status.WARNING, Status.PROBLEM):
        assert found[check].why
        assert found[check].remedy


def test_a_small_skew_is_a_warning(inputs: DoctorInputs, stub: EngineStub) -> None:
    stub.trial = {"clock": str(int(time.time()) - 60)}

    assert findings(inputs)["machine-clock"].status is Status.WARNING


def test_a_port_that_is_not_reached_is_a_problem(inputs: DoctorInputs, stub: EngineStub) -> None:
    stub.trial_listens = False

    assert statuses(inputs) == ALL_OK | {"machine": Status.PROBLEM}


def test_files_that_cannot_be_sent_hide_nothing_else(
    inputs: DoctorInputs, stub: EngineStub
) -> None:
    stub.__class__ = TakesNoFiles

    found = findings(inputs)

    assert {name: each.status for name, each in found.items()} == ALL_OK | {
        "machine-files": Status.WARNING
    }
    assert "input/output error" in found["machine-files"].what


def test_an_engine_that_hangs_takes_five_seconds_at_most(
    inputs: DoctorInputs, stub: EngineStub
) -> None:
    stub.faults = dict.fromkeys(range(4, 40), Fault.HANG_BEFORE)
    began = time.monotonic()

    found = findings(inputs)

    # The command takes 5 s with its start.
    assert time.monotonic() - began < 4.4
    assert found["machine"].status is Status.PROBLEM


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (replace(IMAGE, built=None), "not tried: no image yet"),
        (replace(IMAGE, foreign=True), "not tried: image iterate-sandbox:local is not of this"),
    ],
)
def test_without_an_image_of_this_repository_nothing_is_started(
    inputs: DoctorInputs, stub: EngineStub, image: ImageFreshness, what: str
) -> None:
    found = findings(replace(inputs, image=lambda: image))

    assert found["machine"].what.startswith(what)
    assert {each.status for each in found.values()} == {Status.SKIPPED}
    assert not [method for method, _, _ in stub.requests if method != "GET"]


def test_quick_starts_nothing(inputs: DoctorInputs, stub: EngineStub) -> None:
    assert [each.check for each in run_checks(replace(inputs, quick=True))] == list(CHECKS)

    assert not [method for method, _, _ in stub.requests if method != "GET"]


def test_what_a_killed_doctor_left_is_removed_by_the_next(
    inputs: DoctorInputs, stub: EngineStub, tmp_path: Path
) -> None:
    marks = Temporary("doctor-x", tmp_path / "locks").labels
    stub.add_foreign("os2-doctor-x")
    stub.containers["os2-doctor-x"]["Config"]["Labels"] = marks
    stub.networks["os2-doctor-x"]["Labels"] = marks
    stub.add_foreign("postgres")

    assert statuses(inputs) == ALL_OK

    assert (list(stub.containers), list(stub.networks)) == (["postgres"], ["postgres"])


def test_once_asks_once_also_if_it_fails() -> None:
    asked = []

    def ask() -> Trial:
        asked.append(1)
        raise NotFound("gone")

    answer = once(ask)
    for _ in range(2):
        with pytest.raises(NotFound, match="gone"):
            answer()
    assert asked == [1]
