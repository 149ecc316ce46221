"""A session as the engine sees it: the request, the connection, its end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.answers import InvalidAnswer
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.images.session import needs_session, opened_session
from os2cli.providers.local_docker.images.session import secrets as secrets_service
from os2cli.providers.local_docker.images.session.calls import framed
from tests.grpc_caller import Answer, Caller, wanted
from tests.serving import ConnectionServer, read_head

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Peer(ConnectionServer):
    """An engine that asks for a secret as soon as it has a session."""

    def __init__(self) -> None:
        super().__init__()
        self.head = b""
        self.upgrade = UPGRADED
        self.answer: Answer | None = None
        self.answered = threading.Event()
        self.hung_up = threading.Event()

    def handle(self, connection: socket.socket) -> None:
        while (head := read_head(connection)) and b"/session" not in head:
            body = b'{"ApiVersion": "1.41"}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n" + body)
        if head:
            self.head = head
            if self.upgrade is UPGRADED:
                self.ask(connection)
            else:
                connection.sendall(self.upgrade)

    def ask(self, connection: socket.socket) -> None:
        caller = Caller(connection)
        stream = caller.request(secrets_service.METHOD, framed(wanted("npm")))
        # In one piece: what follows the head must not be lost with its buffer.
        connection.sendall(UPGRADED + caller.http.data_to_send())
        self.answer = caller.wait(stream)
        self.answered.set()
        while connection.recv(65536):
            pass
        self.hung_up.set()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def client(peer: Peer) -> Iterator[EngineClient]:
    client = connect(Endpoint(f"tcp://127.0.0.1:{peer.port}", "a test"))
    yield client
    client.close()


def sessions() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "build session"]


def test_the_engine_gets_what_it_asks_for_until_the_build_ends(
    peer: Peer, client: EngineClient
) -> None:
    with opened_session(client, {"npm": b"hunter2"}) as identity:
        assert peer.answered.wait(20)
        assert not peer.hung_up.is_set()

    assert peer.hung_up.wait(20)
    assert peer.answer is not None
    assert peer.answer.body.endswith(b"hunter2")
    head = peer.head.decode().lower()
    assert head.startswith("post /v1.41/session http/1.1\r\n")
    assert "upgrade: h2c\r\n" in head
    assert f"x-docker-expose-session-uuid: {identity}\r\n" in head
    for method in ("moby.buildkit.secrets.v1.secrets/getsecret", "grpc.health.v1.health/check"):
        assert f"x-docker-expose-session-grpc-method: /{method}\r\n" in head
    assert "hunter2" not in head
    assert sessions() == []


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_a_build_that_is_interrupted_ends_it(
    peer: Peer, client: EngineClient, failure: type[BaseException]
) -> None:
    def build() -> None:
        with opened_session(client, {}):
            peer.answered.wait(20)
            raise failure

    with pytest.raises(failure):
        build()

    assert peer.hung_up.wait(20)
    assert sessions() == []


def test_an_engine_that_opens_none_is_an_error(peer: Peer, client: EngineClient) -> None:
    peer.upgrade = OTHER

    with pytest.raises(InvalidAnswer), opened_session(client, {}):
        pass

    assert sessions() == []


@pytest.mark.parametrize(
    "line",
    [
        "RUN --mount=type=secret,id=npm npm ci",
        "RUN --mount=type=cache,target=/x --mount=id=npm,type=secret npm ci",
        "run --mount=TYPE=SECRET npm ci",
        "RUN --mount=type=ssh git clone x",
        "RUN \\\n  --mount=type=secret,required npm ci",
        'RUN --mount="type=secret" true',
    ],
)
def test_a_dockerfile_that_mounts_secrets_needs_one(line: str) -> None:
    assert needs_session(f"FROM scratch\n{line}\n")


@pytest.mark.parametrize(
    "line", ["RUN --mount=type=cache,target=/secret true", "RUN echo type=secret", "COPY . ."]
)
def test_other_dockerfiles_need_none(line: str) -> None:
    assert not needs_session(f"FROM scratch\n{line}\n")
