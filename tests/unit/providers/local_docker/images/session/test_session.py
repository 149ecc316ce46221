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
from os2cli.providers.local_docker.images.session import health, opened_session, secrets
from tests.grpc_caller import calling, secret
from tests.polling import until
from tests.serving import ConnectionServer, read_head

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
# What every HTTP/2 connection begins with, and settings that change nothing.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
SERVICES = [health.service(), secrets.service({"npm": b"hunter2"})]


class Peer(ConnectionServer):
    """An engine that asks for a secret as soon as it has a session."""

    def __init__(self) -> None:
        super().__init__()
        self.head = b""
        self.upgrade = UPGRADED
        self.at_once = b""
        self.answer = b""
        self.answered = threading.Event()
        self.hung_up = threading.Event()

    def handle(self, connection: socket.socket) -> None:
        while (head := read_head(connection)) and b"/session" not in head:
            body = b'{"ApiVersion": "1.41"}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n" + body)
        if head:
            self.head = head
            connection.sendall(self.upgrade + self.at_once)
            if self.at_once:
                self.answer = connection.recv(65536)
                self.answered.set()
            elif self.upgrade is UPGRADED:
                with calling(connection, self.hung_up) as channel:
                    self.answer = secret(channel, "npm")
                    self.answered.set()
                    self.hung_up.wait(20)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def client(peer: Peer) -> Iterator[EngineClient]:
    client = connect(Endpoint(f"tcp://127.0.0.1:{peer.port}", "a test"))
    yield client
    client.close()


def test_the_engine_gets_what_it_asks_for_until_the_build_ends(
    peer: Peer, client: EngineClient
) -> None:
    with opened_session(client, SERVICES, "shared") as identity:
        assert peer.answered.wait(20)
        assert not peer.hung_up.is_set()

    assert peer.hung_up.wait(20)
    assert peer.answer == b"hunter2"
    head = peer.head.decode().lower()
    assert head.startswith("post /v1.41/session http/1.1\r\n")
    assert "upgrade: h2c\r\n" in head
    assert f"x-docker-expose-session-uuid: {identity}\r\n" in head
    assert "x-docker-expose-session-sharedkey: shared\r\n" in head
    for method in ("moby.buildkit.secrets.v1.secrets/getsecret", "grpc.health.v1.health/check"):
        assert f"x-docker-expose-session-grpc-method: /{method}\r\n" in head
    assert "hunter2" not in head


def test_what_comes_with_the_head_is_not_lost(peer: Peer, client: EngineClient) -> None:
    peer.at_once = PREFACE

    with opened_session(client, SERVICES):
        assert peer.answered.wait(20)

    assert peer.answer


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_a_build_that_is_interrupted_ends_it(
    peer: Peer, client: EngineClient, failure: type[BaseException]
) -> None:
    before = threading.active_count()

    def build() -> None:
        with opened_session(client, SERVICES):
            peer.answered.wait(20)
            raise failure

    with pytest.raises(failure):
        build()

    assert peer.hung_up.wait(20)
    # Threads end a moment after their connection.
    until(lambda: threading.active_count() <= before + 1)


def test_an_engine_that_opens_none_is_an_error(peer: Peer, client: EngineClient) -> None:
    peer.upgrade = OTHER

    with pytest.raises(InvalidAnswer), opened_session(client, SERVICES):
        pass
