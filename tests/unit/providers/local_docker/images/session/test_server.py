"""The session's gRPC server, called by a real HTTP/2 client as the engine calls it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived
from h2.settings import SettingCodes

from os2cli.providers.local_docker.engine.hijacked import Connection
from os2cli.providers.local_docker.images.session import health, secrets, services
from os2cli.providers.local_docker.images.session.calls import MAX_REQUEST_BYTES, framed

LARGE = bytes(range(256)) * 2000  # BuildKit's limit of a secret, and more than a window
SECRETS = {"npm": b"hunter2", "large": LARGE, "empty": b"", "é": b"accent"}


@dataclass
class Answer:
    """What came on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False

    @property
    def status(self) -> int:
        return int(self.headers["grpc-status"])


class Caller:
    """An HTTP/2 client whose answers the test reads."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.http = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.http.initiate_connection()
        self.answers: dict[int, Answer] = {}

    def request(self, path: str, body: bytes, *, end: bool = True) -> int:
        stream = self.http.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", path)]
        self.http.send_headers(stream, [*head, ("content-type", "application/grpc")])
        while len(body) > self.http.max_outbound_frame_size:
            self.http.send_data(stream, body[: self.http.max_outbound_frame_size])
            body = body[self.http.max_outbound_frame_size :]
        self.http.send_data(stream, body, end_stream=end)
        self.answers[stream] = Answer()
        return stream

    def flush(self) -> None:
        self.wire.sendall(self.http.data_to_send())

    def wait(self, stream: int) -> Answer:
        self.flush()
        while not self.answers[stream].ended:
            data = self.wire.recv(65536)
            assert data, "the server hung up"
            for event in self.http.receive_data(data):
                self.take(event)
            self.flush()
        return self.answers[stream]

    def take(self, event: Any) -> None:
        match event:
            case ResponseReceived() | TrailersReceived():
                self.answers[event.stream_id].headers |= dict(event.headers)
            case DataReceived():
                self.answers[event.stream_id].body += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.answers[event.stream_id].ended = True

    def call(self, path: str, message: bytes) -> Answer:
        return self.wait(self.request(path, framed(message)))


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A caller of a server that has ``SECRETS``, and whose thread ends with the connection."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(20)
    server = (Connection(ours, b""), services.methods(SECRETS))
    thread = threading.Thread(target=services.serve, args=server)
    thread.start()
    yield Caller(theirs)
    theirs.close()
    thread.join(20)
    assert not thread.is_alive()
    ours.close()


def wanted(name: str) -> bytes:
    """Return a GetSecretRequest, with annotations as BuildKit may send them."""
    encoded = name.encode()
    return b"\x0a" + bytes([len(encoded)]) + encoded + b"\x12\x06\x0a\x01a\x12\x01b"


def secret_of(answer: Answer) -> bytes:
    """Return what is in a GetSecretResponse, read by hand: its field 1."""
    assert answer.headers[":status"] == "200"
    assert answer.headers["content-type"] == "application/grpc"
    assert answer.status == 0
    assert answer.body[0] == 0
    message = answer.body[5:]
    assert int.from_bytes(answer.body[1:5], "big") == len(message)
    if not message:
        return b""
    assert message[0] == 0x0A
    size = shift = 0
    at = 1
    while True:
        size |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 0x80:
            break
    assert len(message) == at + size
    return message[at:]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_handed_out(caller: Caller, name: str) -> None:
    assert secret_of(caller.call(secrets.METHOD, wanted(name))) == SECRETS[name]


def test_a_secret_larger_than_the_window_waits_for_the_other_side(caller: Caller) -> None:
    caller.http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})

    assert secret_of(caller.call(secrets.METHOD, wanted("large"))) == LARGE


def test_calls_may_overlap(caller: Caller) -> None:
    large = caller.request(secrets.METHOD, framed(wanted("large")))
    small = caller.request(secrets.METHOD, framed(wanted("npm")))

    assert secret_of(caller.wait(small)) == b"hunter2"
    assert secret_of(caller.wait(large)) == LARGE


def test_a_missing_secret_is_not_found(caller: Caller) -> None:
    answer = caller.call(secrets.METHOD, wanted("other"))

    assert (answer.status, answer.body) == (5, b"")
    assert answer.headers["grpc-message"] == "no secret other"


def test_it_is_healthy(caller: Caller) -> None:
    answer = caller.call(health.METHOD, b"")

    assert (answer.status, answer.body) == (0, b"\0\0\0\0\x02\x08\x01")


@pytest.mark.parametrize(
    "path", ["/moby.filesync.v1.Auth/Credentials", "/moby.sshforward.v1.SSH/CheckAgent", "/"]
)
def test_what_it_does_not_have_is_unimplemented(caller: Caller, path: str) -> None:
    assert caller.call(path, b"").status == 12


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 13),
        (b"\0\0\0", 13),
        (b"\0\0\0\0\5abc", 13),
        (framed(wanted("npm")) * 2, 13),
        (b"\1\0\0\0\1a", 12),
        (framed(b"\xff\xff\xff"), 3),
        (framed(b"x" * MAX_REQUEST_BYTES), 8),
    ],
)
def test_a_malformed_request_is_an_error_of_that_call(
    caller: Caller, body: bytes, status: int
) -> None:
    assert caller.wait(caller.request(secrets.METHOD, body)).status == status
    assert secret_of(caller.call(secrets.METHOD, wanted("npm"))) == b"hunter2"


def test_a_cancelled_call_is_forgotten(caller: Caller) -> None:
    for end in (True, False):
        stream = caller.request(secrets.METHOD, framed(wanted("large")), end=end)
        caller.http.reset_stream(stream)

    assert secret_of(caller.call(secrets.METHOD, wanted("npm"))) == b"hunter2"


def test_what_is_not_http_2_ends_the_session(caller: Caller) -> None:
    caller.wire.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100)

    # The fixture checks that the thread ends without an error.
    assert caller.wire.recv(65536)
