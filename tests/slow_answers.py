"""Answers of a server that is hostile or broken: endless, slow, large, or lying."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from tests.serving import ConnectionServer, read_head

PACE_SECONDS = 0.02
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

Write = Callable[[socket.socket], None]


def _drip(head: bytes, each: bytes) -> Write:
    def write(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(each)
            time.sleep(PACE_SECONDS)  # the server's pace, not a wait

    return write


def _flood(head: bytes, each: bytes) -> Write:
    def write(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(each)

    return write


def _once(data: bytes) -> Write:
    return lambda connection: connection.sendall(data)


def _whole(body: bytes, length: int | None = None) -> bytes:
    return _HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def _hang(connection: socket.socket) -> None:
    connection.settimeout(None)
    while connection.recv(65_536):
        pass


# Those that take time.
SLOW: dict[str, Write] = {
    "hang": _hang,
    "status line": _drip(b"", b"H"),
    "headers": _drip(_HEAD, b"x"),
    "many headers": _drip(_HEAD, b"X-A: b\r\n"),
    "body": _drip(_HEAD + b"Content-Length: 999999\r\n\r\n", b" "),
    "chunks": _drip(_CHUNKED, b"1\r\n \r\n"),
    "body without length": _drip(_HEAD + b"\r\n", b" "),
    "interim answers": _drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "an error's body": _drip(
        b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\n\r\n", b" "
    ),
}  # fmt: skip
# Those that are wrong at once.
WRONG: dict[str, Write] = {
    "endless chunks": _flood(_CHUNKED, b"8000\r\n" + b" " * 32_768 + b"\r\n"),
    "endless body": _flood(_HEAD + b"\r\n", b" " * 65_536),
    "endless headers": _flood(_HEAD, b"X-A: " + b"b" * 8_000 + b"\r\n"),
    "nested": _once(_whole(b"[" * 200_000)),
    "nested objects": _once(_whole(b'{"a":' * 100_000)),
    "not JSON": _once(_whole(b"{")),
    "not text": _once(_whole(b"\xff\xfe\x00")),
    "large numbers": _once(_whole(json.dumps({"services": 10**4000, "items": 1e308}).encode())),
    "a long number": _once(_whole(b"1" * 10_000)),
    "another encoding": _once(
        b"HTTP/1.1 500 Oops\r\nContent-Type: application/json; charset=hex\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    ),
    "shorter than said": _once(_whole(b"{}", 99)),
    "a negative length": _once(_whole(b"{}", -1)),
    "nothing": _once(b""),
    "a list": _once(_whole(b"[]")),
    "null": _once(_whole(b"null")),
}


class Answering(ConnectionServer):
    """A server that answers every request in one of these ways; ``asked`` counts them."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.asked = 0
        super().__init__()

    def handle(self, connection: socket.socket) -> None:
        if read_head(connection) is not None:
            self.asked += 1
            with suppress(OSError):
                self._write(connection)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
