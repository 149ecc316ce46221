"""Streamed answers: silence, drips, sizes and breaks."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from os2cli.core.deadline import within
from os2cli.core.errors import OperationFailed, Os2Error, Unreachable
from os2cli.providers.local_docker.engine import streams
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.hijacked import Connection
from tests.engine_stub import frame
from tests.serving import HOST, ConnectionServer, read_head

VERSION = json.dumps({"ApiVersion": "1.41", "Version": "20.10"}).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
INSPECTION = json.dumps(
    {"Id": "c", "State": {"Status": "running"}, "Config": {"Tty": False}, "HostConfig": {}}
).encode()


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


class Streaming(ConnectionServer):
    """An engine whose log and whose push are what ``stream`` sends."""

    def __init__(self, stream: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self.stream = stream

    def handle(self, connection: socket.socket) -> None:
        while head := read_head(connection):
            path = head.split()[1]
            if path.endswith(b"/version"):
                connection.sendall(whole(VERSION))
            elif path.endswith(b"/json"):
                connection.sendall(whole(INSPECTION))
            else:
                self.stream(connection)
                return


@contextmanager
def engine(stream: Callable[[socket.socket], None]) -> Iterator[Engine]:
    with Streaming(stream) as server:
        engine = Engine(Endpoint(f"tcp://{HOST}:{server.port}", "a test"))
        try:
            yield engine
        finally:
            engine.client.close()


def log_of(engine: Engine) -> bytes:
    with engine.errors("reading a log"):
        return b"".join(engine.client.logs("c", stream=True, follow=True))


def events_of(engine: Engine) -> list[object]:
    with engine.errors("pushing"):
        return list(
            engine.client.push("r", tag="t", stream=True, decode=True, auth_config={"a": 1})
        )


def test_a_log_may_be_silent_for_longer_than_any_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHUNK_SECONDS", 0.2)

    def stream(connection: socket.socket) -> None:
        connection.sendall(CHUNKED + chunk(frame(1, b"a")))
        threading.Event().wait(0.8)
        connection.sendall(chunk(frame(2, b"b")) + b"0\r\n\r\n")

    with engine(stream) as quiet:
        quiet.client.timeout = 0.4  # type: ignore[assignment]
        assert log_of(quiet) == b"ab"


def test_a_log_comes_in_any_pieces() -> None:
    data = frame(1, b"x" * 300_000) + frame(2, b"") + frame(2, b"end")

    def stream(connection: socket.socket) -> None:
        pieces = [data[:3], data[3:9], data[9:100_000], data[100_000:]]
        connection.sendall(CHUNKED + b"".join(map(chunk, pieces)) + b"0\r\n\r\n")

    with engine(stream) as cut:
        assert log_of(cut) == b"x" * 300_000 + b"end"


@pytest.mark.parametrize(
    "sent",
    [
        chunk(frame(1, b"a")),
        chunk(frame(1, b"abc")[:9]) + b"0\r\n\r\n",
        chunk(frame(1, b"")[:4]) + b"0\r\n\r\n",
        b"5\r\nab",
        b"zz\r\n",
    ],
    ids=["without an end", "within data", "within a head", "within a chunk", "garbage"],
)
def test_a_log_that_breaks_off_is_lost_not_ended(sent: bytes) -> None:
    with (
        engine(lambda connection: connection.sendall(CHUNKED + sent)) as broken,
        pytest.raises(Unreachable) as caught,
    ):
        log_of(broken)

    assert caught.value.code == "engine_closed"


@pytest.mark.parametrize("read", [log_of, events_of])
def test_a_part_that_drips_meets_a_deadline(
    read: Callable[[Engine], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHUNK_SECONDS", 0.5)
    ended = threading.Event()

    def stream(connection: socket.socket) -> None:
        connection.sendall(CHUNKED)
        for byte in chunk(b'{"status": "x"}' * 20):
            connection.sendall(bytes([byte]))
            if ended.wait(0.2):
                return

    started = time.monotonic()
    with engine(stream) as dripping:
        with pytest.raises(Unreachable) as caught:
            read(dripping)
        ended.set()

    assert caught.value.code == "engine_timeout"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "line",
    [b"[]\n", b"7\n", b"null\n", b"<html>\n", b"[" * 100_000 + b"\n", b"\xff\n", b'{"a": 1'],
    ids=["list", "number", "null", "HTML", "deep", "bytes", "cut"],
)
def test_an_event_that_is_not_an_object_is_invalid(line: bytes) -> None:
    with (
        engine(lambda c: c.sendall(CHUNKED + chunk(line) + b"0\r\n\r\n")) as odd,
        pytest.raises(OperationFailed) as caught,
    ):
        events_of(odd)

    assert caught.value.code == "engine_answer_invalid"


def test_an_event_without_an_end_is_not_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_EVENT_BYTES", 200_000)

    def stream(connection: socket.socket) -> None:
        connection.sendall(CHUNKED)
        while True:
            connection.sendall(chunk(b"x" * 65_536))

    with (
        engine(stream) as endless,
        pytest.raises(Os2Error, match=r"an event is larger than 0\.19"),
    ):
        events_of(endless)


def test_frames_of_a_program_end_at_their_deadline() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"rest")
        connection = Connection(ours, frame(1, b"first") + b"\x02\0\0\0")
        frames = connection.frames()

        assert next(frames) == (1, b"first")
        theirs.close()
        with pytest.raises(Exception, match="within a frame"), within(5):
            next(frames)


def test_an_event_in_single_bytes_takes_time_as_its_length() -> None:
    event = json.dumps({"stream": "x" * 2**19}).encode()
    began = time.thread_time()

    lines = [*streams._lines(bytes([byte]) for byte in event + b"\n{}")]

    assert lines == [event, b"{}"]
    assert time.thread_time() - began < 3
