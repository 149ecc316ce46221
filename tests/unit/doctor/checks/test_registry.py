"""Whether the engine reaches the registry that builds need, at the wire of an engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from os2cli.doctor.findings import Finding, Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.doctor.runner import CHECKS, OUTER_CHECKS, run_checks
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.images.registry_reach import REACH_SECONDS
from os2cli.snapshots.building import BuildRequest
from tests.engine_stub import EngineStub, engine_stub

DOCKERFILE = "ARG BASE_IMAGE=registry.corp:5000/team/base:1\nFROM other:1\nFROM ${BASE_IMAGE}\n"
DNS = 'Get "https://registry.corp/v2/": dial tcp: lookup registry.corp on 10.0.0.53:53: '


class Asked(EngineStub):
    """An engine that asks a registry, which answers with a status and a message."""

    status: int
    message: str
    seconds: float

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        answer = super().answer(method, path, body)
        if "/distribution/" not in path:
            return answer
        time.sleep(self.seconds)
        return self.status, {"message": self.message, "Descriptor": {}}


@pytest.fixture
def stub() -> Iterator[EngineStub]:
    with engine_stub() as running:
        running.__class__ = Asked
        vars(running).update(status=200, message="", seconds=0)
        yield running


@pytest.fixture
def inputs(stub: EngineStub, tmp_path: Path) -> DoctorInputs:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    endpoint = Endpoint(stub.url, "DOCKER_HOST")
    request = BuildRequest(tmp_path, Path("Dockerfile"), "iterate-sandbox:local")
    return DoctorInputs(
        variables={"APP_STAGE": "stg"},
        home=tmp_path,
        endpoint=endpoint,
        repo_root=None,
        image=lambda: ImageFreshness("iterate-sandbox:local", None, fresh=False),
        system="Linux",
        architecture="x86_64",
        host_name="here",
        addresses=(),
        request=lambda: request,
        quick=False,
    )


def finding(inputs: DoctorInputs) -> Finding:
    return next(each for each in run_checks(inputs) if each.check in OUTER_CHECKS)


def asked(stub: EngineStub) -> list[str]:
    return [path for _, path, _ in stub.requests if "/distribution/" in path]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (200, ""),
        (401, "unauthorized: authentication required"),
        (403, "denied: requested access to the resource is denied"),
        (404, "manifest unknown: manifest unknown"),
    ],
)
def test_a_registry_that_answers_is_reached(
    inputs: DoctorInputs, stub: EngineStub, status: int, message: str
) -> None:
    vars(stub).update(status=status, message=message)

    assert finding(inputs).status is Status.OK
    assert asked(stub) == ["/distribution/registry.corp:5000/team/base:1/json"]


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (DNS + "no such host", ": no such host"),
        (DNS + "dial udp 10.0.0.53:53: connect: network is unreachable",
         ": network is unreachable"),
        ('Get "http://registry.corp/v2/": proxyconnect tcp: dial tcp: connection refused',
         ": connection refused"),
        ("tls: failed to verify: x509: certificate is valid for a.corp, not b.corp", ""),
    ],
)  # fmt: skip
def test_one_that_is_not_reached_is_a_warning_without_names(
    inputs: DoctorInputs, stub: EngineStub, message: str, cause: str
) -> None:
    vars(stub).update(status=500, message=message)

    found = finding(inputs)

    assert found.status is Status.WARNING
    assert found.what == f"the engine does not reach the registry of the base image{cause}"
    assert found.why
    assert found.remedy


def test_one_that_hangs_is_given_up(inputs: DoctorInputs, stub: EngineStub) -> None:
    vars(stub).update(seconds=REACH_SECONDS + 2)
    began = time.monotonic()

    found = finding(inputs)

    assert time.monotonic() - began < 3.0
    assert found.status is Status.WARNING
    assert found.what.endswith(f": no response after {REACH_SECONDS:g} s")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("FROM scratch\n", "the Dockerfile names no image"),
        ("FROM x:${V}\n", "not tried: line 1 of the Dockerfile: FROM x:${V} names no image"),
        (None, "not tried: cannot read Dockerfile"),
    ],
)
def test_without_an_image_none_is_asked(
    inputs: DoctorInputs, stub: EngineStub, tmp_path: Path, text: str | None, what: str
) -> None:
    (tmp_path / "Dockerfile").unlink()
    if text is not None:
        (tmp_path / "Dockerfile").write_text(text)

    found = finding(inputs)

    assert (found.status, asked(stub)) == (Status.SKIPPED, [])
    assert found.what.startswith(what)


def test_quick_asks_none(inputs: DoctorInputs, stub: EngineStub) -> None:
    assert [each.check for each in run_checks(replace(inputs, quick=True))] == list(CHECKS)
    assert asked(stub) == []
