"""The builder's log: late, broken off and come back, without an end, and from whom it may come."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time as real_time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from os2cli.providers.daytona.build_log import BuildLog
from os2cli.providers.daytona.client import DaytonaClient
from tests.unit.providers.daytona.wires import (
    DEADLINE_SECONDS,
    KEY,
    Peer,
    Wire,
    client_for,
    http,
    ok,
    peer,
    refused,
    web_page,
)

ADDRESS = "GET /snapshots/1/build-logs-url"
LOG = "GET /snapshots/1/build-logs"
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
    """A real server whose log is one stream after the other, and the log that follows it."""
    with ExitStack() as stack:

        def start(*streams: Stream) -> tuple[BuildLog, Peer]:
            left = list(streams)

            def talk(server: Peer, connection: socket.socket, request: str) -> None:
                if "build-logs-url" in request:
                    url = f"{server.address}/api/snapshots/1/build-logs"
                    connection.sendall(http(json.dumps({"url": url}).encode()))
                elif left:
                    left.pop(0)(server, connection)

            server = stack.enter_context(peer(talk))
            client = stack.enter_context(client_for(server.address))
            return BuildLog(client, "1"), server

        yield start


def streams_of(server: Peer) -> list[str]:
    return [request for request in server.requests if "build-logs-url" not in request]


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
            log.settle(DEADLINE_SECONDS, DEADLINE_SECONDS)

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
            log.settle(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert (len(streams_of(server)), lines.more) == (4, False)

    def test_one_without_an_end_is_cut_at_once(self, builder: Builder) -> None:
        lines = Lines()
        log, _ = builder(hangs_after(HEAD + chunk("one\n")))
        with log.followed(lines.take):
            assert lines.next() == ["one"]
            began = real_time.monotonic()

        assert real_time.monotonic() - began < 1
        assert threading.active_count() < 10

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

        assert real_time.monotonic() - began < 1
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
        assert real_time.monotonic() - began < 2


class TestSettle:
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
            log.settle(0.2, DEADLINE_SECONDS)

        assert lines.next(60) == many
        assert log.tail == tuple(many[-20:])

    def test_ends_although_it_never_gets_quiet(self, builder: Builder) -> None:
        def stream(server: Peer, connection: socket.socket) -> None:
            connection.sendall(HEAD)
            while not server.ended.wait(0.01):
                connection.sendall(chunk("again\n"))

        log, _ = builder(stream)
        with log.followed(Lines().take):
            began = real_time.monotonic()
            log.settle(DEADLINE_SECONDS, 0.3)
            took = real_time.monotonic() - began

        assert 0.3 <= took < 1

    def test_ends_when_it_is_quiet(self, builder: Builder) -> None:
        log, _ = builder(hangs_after(HEAD))
        with log.followed(Lines().take):
            began = real_time.monotonic()
            log.settle(0.1, DEADLINE_SECONDS)

            assert 0.1 <= real_time.monotonic() - began < 1


def address(url: str = "http://127.0.0.1:3986/api/snapshots/1/build-logs") -> httpx.Response:
    return ok({"url": url})


def text(*lines: str) -> httpx.Response:
    return httpx.Response(200, text="".join(f"{line}\n" for line in lines))


class TestAsking:
    """With a scripted wire: who is asked for what, and how often."""

    def follow(self, client: DaytonaClient) -> tuple[str, ...]:
        log = BuildLog(client, "1")
        with log.followed(Lines().take):
            log.settle(DEADLINE_SECONDS, DEADLINE_SECONDS)
        return log.tail

    def test_an_address_that_is_late_is_asked_for_again(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, refused(404), ok({}), address()).on(LOG, refused(404))
        wire.on(ADDRESS, address()).on(LOG, text("one"))

        assert self.follow(client) == ("one",)

    @pytest.mark.parametrize("answer", [httpx.ReadError("reset"), httpx.ConnectError("refused")])
    def test_one_that_is_not_reached_is_asked_for_again(
        self, answer: Exception, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, answer).on(ADDRESS, address()).on(LOG, text("one"))

        assert self.follow(client) == ("one",)

    @pytest.mark.parametrize("status", [401, 403])
    def test_who_is_refused_does_not_ask_again(
        self, status: int, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, refused(status))

        assert self.follow(client) == ()

    @pytest.mark.parametrize("status", [401, 403])
    def test_who_is_refused_the_log_does_not_ask_again(
        self, status: int, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, refused(status))

        assert self.follow(client) == ()

    def test_a_rate_limit_is_kept(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on(ADDRESS, refused(429, Retry_After_authenticated="60"))
        log = BuildLog(client, "1")
        began = real_time.monotonic()
        with log.followed(Lines().take):
            log.settle(0.5, 0.5)

        # Longer than the pause between two attempts, and the end does not wait for the limit.
        assert (len(wire.requests), real_time.monotonic() - began < 2) == (1, True)

    def test_the_apis_own_address_gets_the_key(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on(ADDRESS, address()).on(LOG, text("one"))

        self.follow(client)

        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"
        assert wire.last.url.params["follow"] == "true"

    @pytest.mark.parametrize("config", [ok({}), refused(500), web_page()])
    def test_a_foreign_host_gets_none(
        self, config: httpx.Response, client: DaytonaClient, wire: Wire
    ) -> None:
        url = "https://logs.example/1?token=abc"
        wire.on(ADDRESS, address(url)).on("GET /config", config)
        wire.on("GET https://logs.example/1", text("one"))

        assert self.follow(client) == ("one",)
        assert KEY not in str(wire.last.headers.raw)
        assert dict(wire.last.url.params) == {"token": "abc", "follow": "true"}

    def test_the_proxy_that_the_api_names_its_own_gets_it(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address("https://proxy.example/1"))
        wire.on("GET /config", ok({"proxyToolboxUrl": "https://proxy.example/toolbox"}))
        wire.on("GET https://proxy.example/1", text("one"))

        assert self.follow(client) == ("one",)
        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"

    def test_secrets_are_not_passed_on(self, client: DaytonaClient, wire: Wire) -> None:
        client.keep_secret({"TOKEN": "hush-hush"})
        wire.on(ADDRESS, address()).on(LOG, text(f"echo hush-hush {KEY}", "end"))

        assert self.follow(client) == ("echo ••• •••", "end")

    def test_after_the_block_nobody_is_asked_any_more(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        asked, go_on = threading.Event(), threading.Event()

        def late(request: httpx.Request) -> httpx.Response:
            asked.set()
            assert go_on.wait(DEADLINE_SECONDS)
            return refused(404)

        wire.on(ADDRESS, late)
        log = BuildLog(client, "1")
        with log.followed(Lines().take):
            assert asked.wait(DEADLINE_SECONDS)
        go_on.set()
        log.settle(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert len(wire.requests) == 1
