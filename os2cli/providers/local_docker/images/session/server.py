"""A gRPC server for one connection, with h2 for HTTP/2 and one thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset

from os2cli.providers.local_docker.images.session.calls import (
    MAX_REQUEST_BYTES,
    CallFailed,
    Code,
    Methods,
    framed,
    trailers,
    unframed,
)

_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


class Wire(Protocol):
    """A connection."""

    def receive(self) -> bytes:
        """Return what has arrived; nothing at its end."""
        ...

    def send(self, data: bytes) -> None:
        """Send all of it."""
        ...


@dataclass(slots=True)
class _Call:
    """A request that arrives."""

    path: str
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False


@dataclass(slots=True)
class _Answer:
    """What is left to send: as much at a time as the other side takes."""

    body: bytes
    trailers: list[tuple[str, str]]


def _path(event: RequestReceived) -> str:
    # As text, because of the connection's `header_encoding`; the types say bytes.
    return next((str(value) for name, value in event.headers if str(name) == ":path"), "")


class Server:
    """Answers the calls on ``wire`` until it ends.

    The methods are called one after the other: they answer at once.
    """

    def __init__(self, wire: Wire, methods: Methods) -> None:
        self._wire = wire
        self._methods = methods
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._calls: dict[int, _Call] = {}
        self._answers: dict[int, _Answer] = {}

    def serve(self) -> None:
        """Answer until the other side hangs up.

        Raises:
            OSError: the connection is lost.
            H2Error: what arrives is not HTTP/2.
        """
        self._http.initiate_connection()
        self._flush()
        while data := self._wire.receive():
            for event in self._http.receive_data(data):
                self._take(event)
            # What came with them may have cancelled a call.
            self._answer_complete_calls()
            self._continue_answers()
            self._flush()

    def _flush(self) -> None:
        if data := self._http.data_to_send():
            self._wire.send(data)

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream)):
                self._calls[stream] = _Call(_path(event))
            case DataReceived(stream_id=int(stream)):
                self._http.acknowledge_received_data(event.flow_controlled_length or 0, stream)
                # One byte more than allowed is enough to reject it.
                call = self._calls[stream]
                call.body += (event.data or b"")[: MAX_REQUEST_BYTES + 1 - len(call.body)]
            case StreamEnded(stream_id=int(stream)):
                self._calls[stream].complete = True
            case StreamReset(stream_id=int(stream)):
                self._calls.pop(stream, None)
                self._answers.pop(stream, None)

    def _answer_complete_calls(self) -> None:
        for stream, call in list(self._calls.items()):
            if call.complete:
                del self._calls[stream]
                self._answer(stream, call)

    def _answer(self, stream: int, call: _Call) -> None:
        try:
            message = self._result(call)
        except CallFailed as failure:
            end = trailers(failure.code, failure.message)
            self._http.send_headers(stream, [*_HEADERS, *end], end_stream=True)
            return
        self._http.send_headers(stream, _HEADERS)
        self._answers[stream] = _Answer(framed(message), trailers(Code.OK))

    def _result(self, call: _Call) -> bytes:
        method = self._methods.get(call.path)
        if method is None:
            raise CallFailed(Code.UNIMPLEMENTED, f"unknown method {call.path}")
        if len(call.body) > MAX_REQUEST_BYTES:
            raise CallFailed(Code.RESOURCE_EXHAUSTED, "the request is too large")
        return method(unframed(bytes(call.body)))

    def _continue_answers(self) -> None:
        for stream, answer in list(self._answers.items()):
            while answer.body and (size := self._allowed(stream)):
                self._http.send_data(stream, answer.body[:size])
                answer.body = answer.body[size:]
            if not answer.body:
                self._http.send_headers(stream, answer.trailers, end_stream=True)
                del self._answers[stream]

    def _allowed(self, stream: int) -> int:
        window = self._http.local_flow_control_window(stream)
        return max(0, min(window, self._http.max_outbound_frame_size))
