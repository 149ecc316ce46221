"""Preparing a base against an engine's answers: what is used, pulled, and how it fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import docker
import pytest

from os2cli.core.errors import NotAuthorised, NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.base_image import BaseImage, prepare_base
from os2cli.providers.local_docker.base_image.images import import_image
from os2cli.providers.local_docker.base_image.pull import (
    PullFailed,
    PullProblem,
    pull,
    pull_failure,
)
from tests.serving import HOST, Quiet, http_server

WANTED = "registry.example/node:24"
NO_HOST = 'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'
PULLED = ({"status": "Pulling from node", "id": "24"},)


@dataclass
class Engine:
    """An engine's images, its answer to a pull, and the requests it got."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    pull_status: int = 200
    pull_answer: tuple[dict[str, Any], ...] = PULLED
    gives: dict[str, dict[str, Any]] = field(default_factory=dict)
    silent: threading.Event = field(default_factory=threading.Event)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    received: bytes = b""


class _Handler(Quiet, BaseHTTPRequestHandler):
    wire: Engine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path.endswith("/version"):
            return self._answer(200, {"Arch": "amd64", "ApiVersion": "1.41"})
        name = path.partition("/images/")[2].removesuffix("/json")
        found = self.wire.images.get(name)
        return self._answer(200 if found else 404, found or {"message": f"No such image: {name}"})

    def do_POST(self) -> None:
        self.wire.asked.append(parse_qs(urlsplit(self.path).query))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.wire.received += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.wire.silent.wait(10)
        self.wire.images |= self.wire.gives
        self._answer(self.wire.pull_status, *self.wire.pull_answer)

    def _answer(self, status: int, *lines: dict[str, Any]) -> None:
        # Chunked, as engines answer: the SDK reads no other stream.
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            body = json.dumps(line).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        self.wfile.write(b"0\r\n\r\n")


@contextmanager
def serving(wire: Engine) -> Iterator[docker.APIClient]:
    handler = type("Handler", (_Handler,), {"wire": wire})
    with http_server(handler) as port:
        client = docker.APIClient(base_url=f"tcp://{HOST}:{port}", version="1.41", timeout=5)
        try:
            yield client
        finally:
            wire.silent.set()
            client.close()


def answering(wire: Engine) -> Engine:
    wire.silent.set()
    return wire


class Heard(Progress):
    def __init__(self) -> None:
        self.said: list[tuple[str, int | None, int | None]] = []

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        self.said.append((text, done, total))


def prepare(
    client: docker.APIClient, root: Path, *, replaceable: bool, platform: str | None = None
) -> BaseImage:
    return prepare_base(
        client,
        WANTED,
        platform=platform,
        replaceable=replaceable,
        certificates=HostCertificates(),
        cache_dir=root / "cache",
        lock_dir=root / "locks",
        root=root,
    )


def image(identity: str, architecture: str = "amd64") -> dict[str, Any]:
    return {"Id": identity, "Os": "linux", "Architecture": architecture, "Config": {}}


def test_what_the_engine_has_is_used_without_asking_a_registry(tmp_path: Path) -> None:
    wire = answering(Engine(images={WANTED: image("sha256:one")}))
    with serving(wire) as client:
        assert prepare(client, tmp_path, replaceable=True) == BaseImage(
            WANTED, "sha256:one", "engine"
        )
    assert wire.asked == []


def test_an_image_of_another_platform_is_pulled_again(tmp_path: Path) -> None:
    wire = answering(Engine(images={WANTED: image("sha256:one")}))
    wire.gives = {WANTED: image("sha256:two", "arm64")}
    with serving(wire) as client:
        base = prepare(client, tmp_path, replaceable=False, platform="linux/arm64")
    assert base == BaseImage(WANTED, "sha256:two", "registry")
    assert wire.asked == [
        {"tag": ["24"], "fromImage": ["registry.example/node"], "platform": ["linux/arm64"]}
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (NO_HOST, Unreachable),
        ("pull access denied for node, repository does not exist", NotAuthorised),
        ("manifest for node:24 not found: manifest unknown", NotFound),
    ],
)
def test_nothing_replaces_another_image_than_the_default(
    tmp_path: Path, said: str, expected: type[Os2Error]
) -> None:
    wire = answering(Engine(pull_status=500, pull_answer=({"message": said},)))
    with serving(wire) as client, pytest.raises(expected, match=WANTED) as failure:
        prepare(client, tmp_path, replaceable=False)
    assert said in failure.value.message
    assert failure.value.hint


def test_a_name_that_the_registry_lacks_is_an_error_even_as_a_default(tmp_path: Path) -> None:
    gone = {"message": "manifest for node:24 not found: manifest unknown"}
    wire = answering(Engine(pull_status=404, pull_answer=(gone,)))
    with serving(wire) as client, pytest.raises(NotFound):
        prepare(client, tmp_path, replaceable=True)


def test_without_packages_both_reasons_are_reported(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=fedora\n")
    wire = answering(Engine(pull_status=500, pull_answer=({"message": NO_HOST},)))
    with serving(wire) as client, pytest.raises(OperationFailed) as failure:
        prepare(client, tmp_path, replaceable=True)
    assert failure.value.code == "base_unavailable"
    assert failure.value.message.startswith(f"cannot pull {WANTED} ({NO_HOST}), and ")
    assert failure.value.hint is not None
    assert "--base-image" in failure.value.hint


def test_packages_serve_only_the_engine_s_own_architecture(tmp_path: Path) -> None:
    wire = answering(Engine(pull_status=500, pull_answer=({"message": NO_HOST},)))
    with serving(wire) as client, pytest.raises(OperationFailed, match="own architecture, amd64"):
        prepare(client, tmp_path, replaceable=True, platform="linux/s390x")


def test_a_registry_that_does_not_respond_is_unreachable(tmp_path: Path) -> None:
    with serving(Engine()) as client, pytest.raises(PullFailed, match="no response") as failure:
        pull(client, WANTED, platform=None, progress=SILENT, first_answer_s=0.05)
    assert failure.value.problem is PullProblem.UNREACHABLE


def test_layers_are_reported() -> None:
    heard = Heard()
    wire = answering(
        Engine(
            pull_answer=(
                {"status": "Pulling from node", "id": "24"},
                {"status": "Pulling fs layer", "progressDetail": {}, "id": "aa"},
                {"status": "Pulling fs layer", "progressDetail": {}, "id": "bb"},
                {"status": "Downloading", "progressDetail": {"current": 3, "total": 9}, "id": "aa"},
                {"status": "Pull complete", "progressDetail": {}, "id": "aa"},
            )
        )
    )
    with serving(wire) as client:
        pull(client, WANTED, platform=None, progress=heard)
    assert heard.said == [
        ("pulling layers", 0, 1),
        ("pulling layers", 0, 2),
        ("downloading aa", 3, 9),
        ("pulling layers", 1, 2),
    ]


def test_a_failure_during_a_pull_is_one() -> None:
    events = (*PULLED, {"errorDetail": {}, "error": "unexpected EOF"})
    with (
        serving(answering(Engine(pull_answer=events))) as client,
        pytest.raises(PullFailed) as failure,
    ):
        pull(client, WANTED, platform=None, progress=SILENT)
    assert failure.value.problem is PullProblem.UNREACHABLE


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("dial tcp 192.0.2.1:443: connect: connection refused", PullProblem.UNREACHABLE),
        ("dial tcp 192.0.2.1:443: i/o timeout", PullProblem.UNREACHABLE),
        ("net/http: TLS handshake timeout", PullProblem.UNREACHABLE),
        ("x509: certificate signed by unknown authority", PullProblem.UNREACHABLE),
        ("context deadline exceeded", PullProblem.UNREACHABLE),
        ("toomanyrequests: You have reached your pull rate limit", PullProblem.UNREACHABLE),
        ("received unexpected HTTP status: 403 Forbidden", PullProblem.UNREACHABLE),
        ("unauthorized: authentication required", PullProblem.DENIED),
        ("unexpected status from HEAD request: 401 Unauthorized", PullProblem.DENIED),
        ("denied: requested access to the resource is denied", PullProblem.DENIED),
        ("no matching manifest for linux/s390x in the manifest list", PullProblem.MISSING),
        ("registry.example/node:99: not found", PullProblem.MISSING),
    ],
)
def test_messages_of_engines_about_registries(message: str, problem: PullProblem) -> None:
    failure = pull_failure(message)
    assert isinstance(failure, PullFailed)
    assert failure.problem is problem


def test_a_full_disk_is_the_engine_s_problem() -> None:
    failure = pull_failure("failed to register layer: write /x: no space left on device")
    assert isinstance(failure, OperationFailed)
    assert failure.code == "disk_full"


def test_an_import_streams_the_archive_and_names_the_image() -> None:
    wire = answering(Engine(pull_answer=({"status": "sha256:new"},)))
    wire.gives = {"os2-base:x": image("sha256:new")}
    with serving(wire) as client:
        changes = ["LABEL a=b", 'CMD ["bash"]']
        found = import_image(client, iter([b"one", b"two"]), "os2-base:x", changes)
    assert found == "sha256:new"
    assert wire.received == b"onetwo"
    assert wire.asked == [{"fromSrc": ["-"], "repo": ["os2-base:x"], "changes": changes}]


@pytest.mark.parametrize("status", [200, 500])
def test_an_import_that_the_engine_cannot_store_fails(status: int) -> None:
    name = "message" if status == 500 else "error"
    answer = {name: "Error processing tar file: no space left on device"}
    wire = answering(Engine(pull_status=status, pull_answer=(answer,)))
    with serving(wire) as client, pytest.raises(OperationFailed, match="disk is full") as failure:
        import_image(client, iter([b"x"]), "os2-base:x", [])
    assert failure.value.code == "disk_full"


def test_an_engine_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    with serving(answering(Engine())) as client:
        pass
    with pytest.raises(Unreachable):
        prepare(client, tmp_path, replaceable=True)
    client.close()
