"""Parts are forwarded as they arrive, and a side that leaves ends the other."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from tests.polling import until
from tests.unit.ui.ingest.wires import Upstream, proxy_to, read_reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_is_streamed() -> None:
    arrived = bytearray()

    def reads(server: Upstream, connection: socket.socket, head: bytes) -> None:
        arrived.extend(head.partition(b"\r\n\r\n")[2])
        while not arrived.endswith(b"last"):
            arrived.extend(connection.recv(100))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with (
        Upstream(reads) as upstream,
        proxy_to(upstream.url) as browser,
        browser.connect() as connection,
    ):
        connection.sendall(browser.head("/ingest/s/", length=9) + b"first")
        until(lambda: arrived == b"first")
        connection.sendall(b"last")

        assert read_reply(connection).status == 200
        assert arrived == b"firstlast"


def closes(server: Upstream, connection: socket.socket, beginning: bytes) -> None:
    """Wait until the proxy disconnects, and record it."""
    connection.sendall(beginning)
    with suppress(ConnectionResetError):
        while connection.recv(1000):
            pass
    server.gone.set()


@pytest.mark.parametrize("beginning", [b"", CHUNKED + b"5\r\nfirst\r\n"])
@pytest.mark.parametrize(("length", "body"), [(2, b"{}"), (9, b"half")])
def test_a_browser_that_leaves_ends_the_request(beginning: bytes, length: int, body: bytes) -> None:
    if beginning and len(body) < length:
        beginning = b""

    def talk(server: Upstream, connection: socket.socket, _head: bytes) -> None:
        closes(server, connection, beginning)

    with Upstream(talk) as upstream, proxy_to(upstream.url) as browser:
        with browser.connect() as connection:
            connection.sendall(browser.head("/ingest/e/", length=length) + body)
            until(lambda: upstream.heads)
            assert not upstream.gone.is_set()

        assert upstream.gone.wait(5)


def test_stopping_the_server_ends_its_requests() -> None:
    def talk(server: Upstream, connection: socket.socket, _head: bytes) -> None:
        closes(server, connection, b"")

    with Upstream(talk) as upstream:
        with proxy_to(upstream.url) as browser, browser.connect() as connection:
            connection.sendall(browser.head("/ingest/e/", length=2) + b"{}")
            until(lambda: upstream.heads)

        assert upstream.gone.wait(5)
