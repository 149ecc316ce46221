"""A gRPC client on an open connection, as BuildKit is one in a session."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived

from os2cli.providers.local_docker.images.session.calls import framed


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
                headers = {str(name): str(value) for name, value in event.headers}
                self.answers[event.stream_id].headers |= headers
            case DataReceived():
                self.answers[event.stream_id].body += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.answers[event.stream_id].ended = True

    def call(self, path: str, message: bytes) -> Answer:
        return self.wait(self.request(path, framed(message)))


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
    size, at = 0, 1
    while True:
        size |= (message[at] & 0x7F) << 7 * (at - 1)
        at += 1
        if message[at - 1] < 0x80:
            break
    assert len(message) == at + size
    return message[at:]
