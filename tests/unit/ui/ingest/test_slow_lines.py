"""The proxy gives up an upload after silence, never because a line is slow."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from os2cli.ui.ingest import Limits
from tests.unit.ui.ingest.wires import SAYS_OK, Upstream, proxy_to, read_reply, waits

SILENCE = 1.0
IMPATIENT = Limits(body_seconds=SILENCE, answer_seconds=SILENCE, connect_seconds=SILENCE)
# Longer in all than any silence may be, with parts much closer than that.
PARTS, PAUSE = 15, SILENCE / 5


def slowly(parts: int = PARTS) -> Iterator[bytes]:
    """Yield parts with pauses."""
    for _ in range(parts):
        yield b"x" * 100
        time.sleep(PAUSE)


def test_a_slow_upload_goes_on() -> None:
    received = bytearray()

    def reads(_server: Upstream, connection: socket.socket, head: bytes) -> None:
        received.extend(head.partition(b"\r\n\r\n")[2])
        while len(received) < PARTS * 100:
            received.extend(connection.recv(65536))
        connection.sendall(SAYS_OK)

    with (
        Upstream(reads) as upstream,
        proxy_to(upstream.url, limits=IMPATIENT) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/s/", length=PARTS * 100))
        for part in slowly():
            connection.sendall(part)

        assert read_reply(connection).status == 200
        assert received == b"x" * PARTS * 100


# So large that what the system buffers leaves in half of the silence, and so small that it would
# take twice the silence, were its buffer as large as it likes.
@pytest.mark.parametrize("size", [4 << 20, 8 << 20])
def test_a_line_to_posthog_that_is_slower_than_the_browser_goes_on(size: int) -> None:
    """The system buffers what is written: the answer can't come before it has left."""
    received = 0

    def reads_slowly(_server: Upstream, connection: socket.socket, head: bytes) -> None:
        nonlocal received
        received = len(head.partition(b"\r\n\r\n")[2])
        step = size // 40
        while received < size:
            time.sleep(PAUSE / 2)
            wanted = min(step, size - received)
            received += len(connection.recv(wanted, socket.MSG_WAITALL))
        connection.sendall(SAYS_OK)

    with Upstream(reads_slowly) as upstream, proxy_to(upstream.url, limits=IMPATIENT) as browser:
        reply = browser.ask("/ingest/s/", body=b"x" * size)

    assert (reply.status, received) == (200, size)


@pytest.mark.parametrize("sent", [0, 1, 50])
def test_a_page_that_falls_silent_gets_an_error(sent: int) -> None:
    with (
        Upstream(waits) as upstream,
        proxy_to(upstream.url, limits=IMPATIENT) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/e/", length=100) + b"x" * sent)

        assert read_reply(connection).status == 408


def test_no_line_is_too_slow_for_the_limit_on_size() -> None:
    small = replace(IMPATIENT, request_bytes=1_000)
    with (
        Upstream(waits) as upstream,
        proxy_to(upstream.url, limits=small) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/s/", "Transfer-Encoding: chunked"))
        for part in slowly(11):
            connection.sendall(b"64\r\n" + part + b"\r\n")

        assert read_reply(connection).status == 413
