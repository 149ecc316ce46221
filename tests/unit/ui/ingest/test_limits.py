"""Limits on what the browser and PostHog may send."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from os2cli.ui.ingest import Limits
from tests.polling import until
from tests.posthog_server import PostHogServer
from tests.serving import DEADLINE_SECONDS, HOST
from tests.unit.ui.ingest.wires import (
    SAYS_OK,
    Upstream,
    proxy_to,
    read_reply,
    says,
    waits,
)

SMALL = Limits(request_bytes=100_000, response_bytes=100_000)
QUICK = replace(SMALL, body_seconds=0.3, answer_seconds=0.3, connect_seconds=0.3)
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"


def test_a_declared_length_above_the_limit_is_rejected_early() -> None:
    with Upstream() as upstream, proxy_to(upstream.url) as browser:
        reply = browser.send(browser.head("/ingest/s/", length=(64 << 20) + 1))

        assert reply.status == 413
        assert upstream.heads == []


def test_a_chunked_body_above_the_limit_is_rejected() -> None:
    received = []

    def takes_all(_server: Upstream, connection: socket.socket, head: bytes) -> None:
        received.append(len(head))
        while part := connection.recv(65536):
            received.append(len(part))

    with (
        Upstream(takes_all) as upstream,
        proxy_to(upstream.url, limits=SMALL) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/s/", "Transfer-Encoding: chunked"))
        for _ in range(SMALL.request_bytes // 4096 + 1):
            connection.sendall(CHUNK)

        assert read_reply(connection).status == 413
        assert sum(received) < SMALL.request_bytes + 10_000


def test_a_body_of_the_maximum_size_passes() -> None:
    with PostHogServer() as posthog, proxy_to(posthog.url, limits=SMALL) as browser:
        message = b'{"event": "e", "distinct_id": "me", "token": "t", "x": "%s"}'
        body = message % (b"x" * (SMALL.request_bytes - len(message) + 2))

        assert len(body) == SMALL.request_bytes
        assert browser.ask("/ingest/e/", body=body).status == 200
        assert posthog.requests[0].body == body


def test_a_slow_body_times_out() -> None:
    with (
        Upstream() as upstream,
        proxy_to(upstream.url, limits=QUICK) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/e/", length=10) + b"{")

        assert read_reply(connection).status == 408


def test_a_body_that_trickles_without_end_is_cut() -> None:
    limits = replace(SMALL, total_seconds=0.5)
    with (
        Upstream(waits) as upstream,
        proxy_to(upstream.url, limits=limits) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/e/", length=1_000))
        connection.settimeout(0.02)
        started = time.monotonic()
        reply = b""
        while not reply and time.monotonic() < started + DEADLINE_SECONDS:
            connection.sendall(b"x")
            try:
                reply = connection.recv(100)
            except TimeoutError:
                continue

        assert reply.startswith(b"HTTP/1.1 504 ")


def test_the_largest_request_has_time_on_a_slow_line() -> None:
    limits = Limits()

    assert limits.total_seconds * 20_000 > limits.request_bytes


def test_an_unreachable_upstream_is_reported() -> None:
    with socket.create_server((HOST, 0)) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
    with proxy_to(address) as browser:
        reply = browser.ask("/ingest/e/", body=b"{}")

    assert (reply.status, reply.body) == (502, b"cannot reach PostHog\n")


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nA: "])
def test_a_hanging_upstream_is_reported(beginning: bytes) -> None:
    def hangs(server: Upstream, connection: socket.socket, _head: bytes) -> None:
        connection.sendall(beginning)
        server.ended.wait(DEADLINE_SECONDS)

    with Upstream(hangs) as upstream, proxy_to(upstream.url, limits=QUICK) as browser:
        reply = browser.ask("/ingest/e/", body=b"{}")

    assert (reply.status, reply.body) == (504, b"PostHog timed out\n")


def test_an_upstream_that_does_not_read_the_body_is_reported() -> None:
    limits = Limits(answer_seconds=0.3)
    with Upstream(waits) as upstream, proxy_to(upstream.url, limits=limits) as browser:
        assert browser.ask("/ingest/s/", body=b"x" * (32 << 20)).status == 504


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
def test_an_invalid_response_is_reported(answer: bytes) -> None:
    with Upstream(says(answer)) as upstream, proxy_to(upstream.url) as browser:
        assert browser.ask("/ingest/e/", body=b"{}").status == 502


def test_an_endless_response_is_cut() -> None:
    with (
        PostHogServer(behaviour="flood") as posthog,
        proxy_to(posthog.url, limits=SMALL) as browser,
    ):
        reply = browser.ask("/ingest/e/", body=b"{}")

        assert (reply.status, reply.body) == (502, b"PostHog's response is too large\n")


@pytest.mark.parametrize("limits", [QUICK, replace(SMALL, total_seconds=0.5)])
@pytest.mark.parametrize("pause", [0.05, DEADLINE_SECONDS])
def test_a_response_has_one_deadline(limits: Limits, pause: float) -> None:
    """Silence and a drip end alike: the page gets a whole response or none."""

    def drips(server: Upstream, connection: socket.socket, _head: bytes) -> None:
        connection.sendall(JSON_HEAD + b"Content-Length: 1000\r\n\r\n{")
        while not server.ended.wait(pause):
            connection.sendall(b" ")

    with Upstream(drips) as upstream, proxy_to(upstream.url, limits=limits) as browser:
        reply = browser.ask("/ingest/array/key/config", method="GET")

    assert (reply.status, reply.body) == (504, b"PostHog timed out\n")


def test_too_many_concurrent_requests_are_rejected() -> None:
    def answers_later(server: Upstream, connection: socket.socket, _head: bytes) -> None:
        server.gone.wait(DEADLINE_SECONDS)
        connection.sendall(SAYS_OK)

    limits = replace(SMALL, concurrent=2)
    with Upstream(answers_later) as upstream, proxy_to(upstream.url, limits=limits) as browser:
        with browser.connect() as first, browser.connect() as second:
            for connection in (first, second):
                connection.sendall(browser.head("/ingest/e/", length=2) + b"{}")
            until(lambda: len(upstream.heads) == 2)

            reply = browser.ask("/ingest/e/", body=b"{}")
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")

            upstream.gone.set()
            assert [read_reply(each).status for each in (first, second)] == [200, 200]
        assert browser.ask("/ingest/e/", body=b"{}").status == 200
