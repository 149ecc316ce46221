"""The builder's log: late, broken off and come back, without an end, and from whom it may come."""

from __future__ import annotations

import json
import queue
import socket
import ssl
import threading
import time as real_time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from os2cli.providers.daytona.snapshots.build_log import BuildLog
from tests.unit.providers.daytona.answers import snapshot
from tests.unit.providers.daytona.certificate import unknown_server
from tests.unit.providers.daytona.wires import (
    DEADLINE_SECONDS,
    Peer,
    client_for,
    http,
    peer,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
Stream = Callable[[Peer, socket.socket], None]


def chunk(text: str) -> bytes:
    data = text.encode()
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def sends(*pieces: bytes) -> Stream:
    def stream(server: Peer, connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return stream


def hangs_after(*pieces: bytes) -> Stream:
    def stream(server: Peer, connection: socket.socket) -> None:
        sends(*pieces)(server, connection)
        server.ended.wait(DEADLINE_SECONDS)

    return stream


class Lines:
    """What was passed on, to be awaited line by line."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[str] = queue.SimpleQueue()

    def take(self, line: str) -> None:
        self.queue.put(line)

    def next(self, count: int = 1) -> list[str]:
        return [self.queue.get(timeout=DEADLINE_SECONDS) for _ in range(count)]

    @property
    def more(self) -> bool:
        return not self.queue.empty()


Builder = Callable[..., tuple[BuildLog, Peer]]


@pytest.fixture
def builder() -> Iterator[Builder]:
    """Return a real server whose log is one stream after the other, and the log that follows it."""
    with ExitStack() as stack:

        def start(*streams: Stream, tls: ssl.SSLContext | None = None) -> tuple[BuildLog, Peer]:
            left = list(streams)

            def talk(server: Peer, connection: socket.socket, request: str) -> None:
                if "build-logs-url" in request:
                    url = f"{server.address}/api/snapshots/1/build-logs"
                    connection.sendall(http(json.dumps({"url": url}).encode()))
                elif "build-logs " in request:
                    # What earlier builds wrote: nothing.
                    connection.sendall(http(b"", "text/plain"))
                elif "snapshots/1 " in request:
                    connection.sendall(http(json.dumps(snapshot(id="1")).encode()))
                elif left:
                    left.pop(0)(server, connection)

            server = stack.enter_context(peer(talk, tls))
            client = stack.enter_context(client_for(server.address))
            return BuildLog(client, "1"), server

        yield start


def streams_of(server: Peer) -> list[str]:
    return [request for request in server.requests if "follow=true" in request]


class TestStream:
    def test_lines_are_passed_on_as_they_come_until_it_ends(self, builder: Builder) -> None:
        lines = Lines()
        go_on = threading.Event()

        def stream(server: Peer, connection: socket.socket) -> None:
            connection.sendall(HEAD + chunk("#1 one\n#2 t"))
            assert go_on.wait(DEADLINE_SECONDS)
            connection.sendall(chunk("wo\n\n  \n#3 three") + END)

        log, server = builder(stream)
        with log.followed(lines.take):
            assert lines.next() == ["#1 one"]
            go_on.set()
            assert lines.next(2) == ["#2 two", "#3 three"]
            log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert log.tail == ("#1 one", "#2 two", "#3 three")
        assert len(streams_of(server)) == 1
        assert "GET /api/snapshots/1/build-logs?follow=true" in streams_of(server)[0]
        assert not lines.more

    def test_one_that_breaks_off_is_read_again_without_repeating(self, builder: Builder) -> None:
        lines = Lines()
        log, server = builder(
            sends(HEAD + chunk("one\n\ntwo\nthr")),
            sends(),
            sends(HEAD + chunk("one\n\ntw")),
            sends(HEAD + chunk("one\n\ntwo\nthree\nfour\n") + END),
        )
        with log.followed(lines.take):
            assert lines.next(4) == ["one", "two", "three", "four"]
            log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert (len(streams_of(server)), lines.more) == (4, False)

    @pytest.mark.parametrize("secure", [False, True])
    def test_one_without_an_end_is_cut_at_once(
        self, secure: bool, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tls, certificate = unknown_server(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        lines = Lines()
        cut = threading.Event()

        def stream(server: Peer, connection: socket.socket) -> None:
            connection.sendall(HEAD + chunk("one\n"))
            with suppress(OSError):
                assert connection.recv(1) == b""
            cut.set()

        log, _ = builder(stream, tls=tls if secure else None)
        with log.followed(lines.take):
            assert lines.next() == ["one"]
            began = real_time.monotonic()

        assert real_time.monotonic() - began < DEADLINE_SECONDS / 2
        assert cut.wait(DEADLINE_SECONDS)

    @pytest.mark.parametrize("sent", [b"", HEAD, HEAD + chunk("half a line")])
    def test_one_that_says_nothing_is_cut_at_once_too(self, sent: bytes, builder: Builder) -> None:
        lines = Lines()
        asked = threading.Event()

        def stream(server: Peer, connection: socket.socket) -> None:
            asked.set()
            hangs_after(sent)(server, connection)

        log, _ = builder(stream)
        with log.followed(lines.take):
            assert asked.wait(DEADLINE_SECONDS)
            began = real_time.monotonic()

        assert real_time.monotonic() - began < DEADLINE_SECONDS / 2
        assert not lines.more

    def test_it_is_cut_also_when_the_block_fails(self, builder: Builder) -> None:
        lines = Lines()
        log, _ = builder(hangs_after(HEAD + chunk("one\n")))

        def follow() -> None:
            with log.followed(lines.take):
                lines.next()
                raise KeyError

        began = real_time.monotonic()
        with pytest.raises(KeyError):
            follow()
        assert real_time.monotonic() - began < DEADLINE_SECONDS / 2


class TestDrain:
    def test_takes_in_what_still_comes_however_much_it_is(self, builder: Builder) -> None:
        many = [f"line {number}" for number in range(60)]

        def stream(server: Peer, connection: socket.socket) -> None:
            connection.sendall(HEAD)
            for line in many:
                connection.sendall(chunk(f"{line}\n"))
                server.ended.wait(0.005)
            server.ended.wait(DEADLINE_SECONDS)

        lines = Lines()
        log, _ = builder(stream)
        with log.followed(lines.take):
            # Only a connected stream is measured.
            first = lines.next()
            log.drain(0.5, DEADLINE_SECONDS)

        assert first + lines.next(59) == many
        assert log.tail == tuple(many[-20:])

    def test_ends_although_it_never_gets_quiet(self, builder: Builder) -> None:
        def stream(server: Peer, connection: socket.socket) -> None:
            connection.sendall(HEAD)
            while not server.ended.wait(0.01):
                connection.sendall(chunk("again\n"))

        log, _ = builder(stream)
        with log.followed(Lines().take):
            began = real_time.monotonic()
            log.drain(DEADLINE_SECONDS, 0.3)
            took = real_time.monotonic() - began

        assert 0.3 <= took < DEADLINE_SECONDS / 2

    def test_ends_when_it_is_quiet(self, builder: Builder) -> None:
        log, _ = builder(hangs_after(HEAD))
        with log.followed(Lines().take):
            began = real_time.monotonic()
            log.drain(0.1, DEADLINE_SECONDS)

            assert 0.1 <= real_time.monotonic() - began < DEADLINE_SECONDS / 2
