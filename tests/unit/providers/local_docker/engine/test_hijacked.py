"""A connection that the engine turned into a program's streams."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from os2cli.core.deadline import within
from os2cli.providers.local_docker.engine import hijacked
from os2cli.providers.local_docker.engine.hijacked import Connection
from os2cli.providers.local_docker.engine.sockets import DeadlineSocket
from tests.engine_stub import frame


@contextmanager
def connected() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    with DeadlineSocket(fileno=ours.detach()) as connection, theirs:
        yield Connection(connection, b""), theirs


@pytest.mark.parametrize("at_once", [0, 1, 8, 9, 500])
def test_a_frame_that_drips_has_one_deadline(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """The deadline of each read alone would never pass."""
    monkeypatch.setattr(hijacked, "FRAME_SECONDS", 0.5)
    data = frame(1, b"x" * 1000)

    def drip(theirs: socket.socket) -> None:
        with suppress(OSError):
            theirs.sendall(data[:at_once])
            for byte in data[at_once:]:
                theirs.sendall(bytes([byte]))
                time.sleep(0.05)  # the engine's pace

    with connected() as (connection, theirs):
        thread = threading.Thread(target=drip, args=(theirs,))
        thread.start()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            list(connection.frames())
        assert time.monotonic() - started < 10
        connection.end()
        thread.join()


def test_the_time_of_the_reader_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hijacked, "FRAME_SECONDS", 0.3)
    monkeypatch.setattr(hijacked, "CHUNK_BYTES", 100)
    received = b""
    with connected() as (connection, theirs):
        theirs.sendall(frame(1, b"x" * 1000))
        theirs.shutdown(socket.SHUT_WR)
        for _, piece in connection.frames():
            received += piece
            time.sleep(0.1)  # the reader's pace
    assert received == b"x" * 1000


def test_what_is_sent_arrives_while_frames_are_received() -> None:
    """The deadline of a frame is not the sender's, and does not end its wait."""
    data, size, count = b"x" * 50_000, 20_000_000, 6_000
    taken = bytearray()

    def write(theirs: socket.socket) -> None:
        for _ in range(count):
            theirs.sendall(frame(1, data))
        theirs.shutdown(socket.SHUT_WR)

    def read(theirs: socket.socket) -> None:
        while piece := theirs.recv(10_000):
            taken.extend(piece)

    failures: list[BaseException] = []

    def send(connection: Connection) -> None:
        try:
            for _ in range(size // len(data)):
                connection.send(data)
            connection.end_sending()
        except OSError as error:
            failures.append(error)

    with connected() as (connection, theirs):
        threads = [
            threading.Thread(target=work, args=(end,))
            for work, end in ((write, theirs), (read, theirs), (send, connection))
        ]
        for thread in threads:
            thread.start()
        received = sum(len(piece) for _, piece in connection.frames())
        for thread in threads:
            thread.join(20)

    assert failures == []
    assert (len(taken), received) == (size, count * len(data))


@pytest.mark.parametrize("what", ["receive", "send"])
def test_a_deadline_ends_also_what_never_has_to_wait(what: str) -> None:
    with connected() as (connection, theirs):
        theirs.sendall(b"more")
        with within(0), pytest.raises(TimeoutError):
            connection.send(b"more") if what == "send" else connection.receive()
