"""Answers that are too large, or never end."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext, suppress

import httpx
import pytest

from os2cli.host.network.bounded import AnswerTooLarge, fetch, paced
from os2cli.host.network.transport import Transport
from tests.serving import ConnectionServer

HEAD = b"HTTP/1.1 200 OK\r\n"
LIMIT = 65_536
SECONDS = 0.5

Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(transport=Transport(), trust_env=False, timeout=5) as client:
        yield client


class Written(ConnectionServer):
    """Writes the same to each connection."""

    def __init__(self, write: Callable[[socket.socket], None]) -> None:
        self._write = write
        super().__init__()

    def handle(self, connection: socket.socket) -> None:
        connection.recv(65_536)
        with suppress(OSError):
            self._write(connection)


@pytest.fixture
def served() -> Iterator[Serve]:
    """Serve what a function writes to each connection; return the URL."""
    with ExitStack() as servers:

        def serve(write: Callable[[socket.socket], None]) -> str:
            return f"http://127.0.0.1:{servers.enter_context(Written(write)).port}/"

        yield serve


def drip(head: bytes, each: bytes) -> Callable[[socket.socket], None]:
    def write(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(each)
            time.sleep(0.02)  # the server's pace, not a wait

    return write


SLOW = {
    "status line": drip(b"", b"H"),
    "headers": drip(HEAD, b"x"),
    "body": drip(HEAD + b"Content-Length: 9999\r\n\r\n", b"x"),
    "chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "body without length": drip(HEAD + b"\r\n", b"x"),
    "interim answers": drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


@pytest.mark.parametrize("part", SLOW)
def test_one_deadline_holds_for_the_whole_answer(
    client: httpx.Client, served: Serve, part: str
) -> None:
    began = time.monotonic()

    with pytest.raises(httpx.HTTPError):
        fetch(client, "GET", served(SLOW[part]), seconds=SECONDS, limit=LIMIT)

    assert time.monotonic() - began < SECONDS + 2


ENDLESS = {
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b"x" * 32_768 + b"\r\n",
    "body": HEAD + b"\r\n" + b"x" * 32_768,
}


@pytest.mark.parametrize("form", ENDLESS)
def test_a_large_answer_is_not_read(client: httpx.Client, served: Serve, form: str) -> None:
    def write(connection: socket.socket) -> None:
        connection.sendall(ENDLESS[form])
        while True:
            connection.sendall(b"8000\r\n" + b"x" * 32_768 + b"\r\n")

    with pytest.raises(AnswerTooLarge, match="larger than"):
        fetch(client, "GET", served(write), seconds=30, limit=LIMIT)


def test_the_limit_counts_decoded_bytes(client: httpx.Client, served: Serve) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()

    with pytest.raises(AnswerTooLarge):
        fetch(client, "GET", served(lambda c: c.sendall(head + bomb)), seconds=30, limit=LIMIT)


def test_a_small_answer_arrives_whole(client: httpx.Client, served: Serve) -> None:
    body = gzip.compress(b'{"a": 1}')
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    answer = fetch(client, "GET", served(lambda c: c.sendall(head + body)), seconds=30, limit=LIMIT)

    assert answer.json() == {"a": 1}


@pytest.mark.parametrize(
    ("size", "pause", "whole"),
    [(1, 0.5, False), (1000, 5.0, True), (1000, 11.0, False), (1_000_000, 100.0, True)],
)
def test_a_streamed_answer_keeps_a_pace(
    monkeypatch: pytest.MonkeyPatch, size: int, pause: float, whole: bool
) -> None:
    """What its reader does meanwhile does not count."""
    now = [0.0]
    monkeypatch.setattr("os2cli.host.network.bounded.time.monotonic", lambda: now[0])

    def drips() -> Iterator[bytes]:
        for _ in range(100):
            now[0] += pause
            yield b"x" * size

    answer = httpx.Response(200, content=drips(), request=httpx.Request("GET", "http://x"))
    with nullcontext() if whole else pytest.raises(httpx.ReadTimeout):
        for _ in paced(answer, answer.iter_raw()):
            now[0] += 1000
    assert whole or now[0] < 40_000


def test_a_streamed_answer_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("os2cli.host.network.bounded.time.monotonic", lambda: now[0])

    def endless() -> Iterator[bytes]:
        while True:
            now[0] += 1
            yield b"x" * 10_000

    answer = httpx.Response(200, content=endless(), request=httpx.Request("GET", "http://x"))
    with pytest.raises(httpx.ReadTimeout):
        list(paced(answer, answer.iter_raw(), 60))
    assert now[0] == 61
