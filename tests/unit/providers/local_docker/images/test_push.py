"""Pushing an image: the requests to the engine, and the results of its event stream."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.core.models import Image
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.push import RegistryLogin, push_image
from tests.progress import RecordedProgress
from tests.unit.providers.daytona.wires import Peer, http, peer

IMAGE = Image("sha256:" + "f" * 64, "sandbox:local", datetime(2026, 1, 11, tzinfo=UTC), 1, None)
REPOSITORY = "cr.example:5000/transient/os2-abc"
REFERENCE = f"{REPOSITORY}:20260111-193045-key-x"
LOGIN = RegistryLogin("robot$hush", "hush-secret")
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
PUSHED = {"aux": {"Tag": "x", "Digest": "sha256:1", "Size": 1}}


def event(**fields: Any) -> bytes:
    data = json.dumps(fields).encode() + b"\r\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def pushing(layer: str, current: int, total: int) -> bytes:
    return event(status="Pushing", id=layer, progressDetail={"current": current, "total": total})


class Daemon:
    """The part of an engine's API that a push uses."""

    def __init__(self) -> None:
        self.answers = {
            "tag": http(b"", status="201 Created"),
            "push": STREAM + event(**PUSHED) + END,
            "DELETE": http(b"[]"),
        }
        self.asked: list[str] = []

    def talk(self, server: Peer, connection: socket.socket, request: str) -> None:
        del server
        line = request.partition(" HTTP/")[0]
        version = {"Version": "26.1.5", "ApiVersion": "1.44", "Os": "linux", "Arch": "amd64"}
        if line.endswith("/version"):
            connection.sendall(http(json.dumps(version).encode()))
            return
        self.asked.append(line.replace("/v1.44", ""))
        kind = next(kind for kind in self.answers if f"/{kind}?" in line or line.startswith(kind))
        connection.sendall(self.answers[kind])


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


Push = Callable[[], None]


@pytest.fixture
def server(daemon: Daemon) -> Iterator[Peer]:
    with peer(daemon.talk) as server:
        yield server


@pytest.fixture
def push(server: Peer, heard: RecordedProgress, tmp_path: Path) -> Iterator[Push]:
    engine = Engine(Endpoint(server.address.replace("http", "tcp"), "DOCKER_HOST"))
    yield lambda: push_image(engine, IMAGE, REFERENCE, LOGIN, heard, tmp_path)
    engine.client.close()


def failure(push: Push) -> Os2Error:
    with pytest.raises(Os2Error) as caught:
        push()
    assert caught.value.hint
    assert "hush" not in f"{caught.value.message}{caught.value.hint}{caught.value.details}"
    return caught.value


REMOVED = f"DELETE /images/{REFERENCE}?force=False&noprune=True"


def test_the_image_is_named_pushed_with_the_login_and_unnamed(
    push: Push, daemon: Daemon, server: Peer
) -> None:
    push()

    tag, pushed, removed = daemon.asked
    assert tag.startswith("POST /images/sha256:")
    assert "tag=20260111-193045-key-x" in tag
    assert pushed == f"POST /images/{REPOSITORY}/push?tag=20260111-193045-key-x"
    assert removed == REMOVED
    request = next(r for r in server.requests if "/push?" in r)
    headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if ": " in line)
    login = json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"]))
    assert login == {"username": "robot$hush", "password": "hush-secret"}
    assert not [r for r in server.requests if "/push?" not in r and "X-Registry-Auth" in r]


def test_bytes_of_all_layers_are_counted_together(
    push: Push, daemon: Daemon, heard: RecordedProgress
) -> None:
    daemon.answers["push"] = b"".join(
        [
            STREAM,
            event(status="The push refers to repository [x]"),
            event(status="Preparing", progressDetail={}, id="a"),
            pushing("a", 10, 100),
            pushing("b", 5, 50),
            pushing("a", 120, 100),
            event(status="Pushing", id="c", progressDetail={}),
            event(status="Layer already exists", id="d", progressDetail={}),
            event(status="Pushed", id="a", progressDetail={}),
            pushing("b", 50, 50),
            event(**PUSHED),
            END,
        ]
    )

    push()

    assert heard.transfers == [(10, 100), (15, 150), (125, 150), (150, 150)]


@pytest.mark.parametrize("before", [b"", pushing("a", 1, 2)])
def test_an_error_of_the_registry_is_reported_and_the_name_removed(
    before: bytes, push: Push, daemon: Daemon
) -> None:
    said = "denied: requested access to the resource is denied"
    refused = event(errorDetail={"message": said}, error=said)
    daemon.answers["push"] = STREAM + before + refused + END

    error = failure(push)

    assert (type(error), error.code) == (OperationFailed, "push_failed")
    assert error.message == f"pushing {REFERENCE} failed: {said}"
    assert daemon.asked[-1] == REMOVED


@pytest.mark.parametrize(
    "sent",
    [STREAM + pushing("a", 1, 2), STREAM[:-9], b""],
    ids=["after an event", "within the head", "nothing"],
)
def test_a_broken_stream_is_reported_and_the_name_removed(
    sent: bytes, push: Push, daemon: Daemon
) -> None:
    daemon.answers["push"] = sent

    assert isinstance(failure(push), Unreachable)
    assert daemon.asked[-1] == REMOVED


def test_an_invalid_event_is_reported(push: Push, daemon: Daemon) -> None:
    text = b'{"status": "Pushing", '
    daemon.answers["push"] = STREAM + f"{len(text):x}\r\n".encode() + text + b"\r\n" + END

    assert type(failure(push)) is OperationFailed
    assert daemon.asked[-1] == REMOVED


def test_a_missing_image_is_reported_and_nothing_is_pushed(push: Push, daemon: Daemon) -> None:
    daemon.answers["tag"] = http(b'{"message": "No such image"}', status="404 Not Found")

    assert type(failure(push)) is NotFound
    assert len(daemon.asked) == 1


KEPT = f"the engine keeps the name {REFERENCE}; remove it: os2 snapshot prune"


NOT_REMOVED = {
    "conflict": http(b'{"message": "no"}', status="409 Conflict"),
    "failure": http(b'{"message": "no"}', status="500 Internal Server Error"),
    **{f"{body!r}": http(body) for body in (b"{}", b"null", b"7", b'"text"', b"{", b"")},
    "no answer": b"",
}


@pytest.mark.parametrize("answer", NOT_REMOVED)
def test_a_name_that_is_not_removed_is_reported_and_hides_nothing(
    answer: str, push: Push, daemon: Daemon, heard: RecordedProgress
) -> None:
    daemon.answers["DELETE"] = NOT_REMOVED[answer]
    push()
    assert heard.warnings == [KEPT]

    daemon.answers["push"] = STREAM + event(error="denied") + END
    assert failure(push).message.endswith("denied")


def test_a_name_that_is_gone_is_not_mentioned(
    push: Push, daemon: Daemon, heard: RecordedProgress
) -> None:
    daemon.answers["DELETE"] = http(b'{"message": "no"}', status="404 Not Found")
    push()

    assert heard.warnings == []


def test_the_login_is_in_no_representation() -> None:
    assert "hush" not in repr(LOGIN)
