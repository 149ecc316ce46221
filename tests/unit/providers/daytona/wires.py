"""What stands at the other end: a scripted transport, a peer on a real socket, a moved clock."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time as real_time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import Os2Error
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, RetryPolicy
from tests.clock import Time
from tests.serving import HOST, ConnectionServer, read_head

KEY = "dtn_0123456789abcdef"
ACCESS = DaytonaAccess("http://127.0.0.1:3986/api", "DAYTONA_API_URL", api_key=KEY)
DEADLINE_SECONDS = 10

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    """Let this process show the time of another zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    real_time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        real_time.tzset()


class Wire(httpx.BaseTransport):
    """Gives the scripted answers, each to the request that it was written for, and no other."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.script: deque[tuple[str, Answer]] = deque()

    def on(self, line: str, *answers: Answer) -> Wire:
        """Expect ``METHOD /path`` next, once for each of the answers."""
        self.script.extend((line, answer) for answer in answers)
        return self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        asked = self.line(request)
        assert self.script, f"nothing more was expected, but {asked} came"
        line, answer = self.script.popleft()
        assert asked == line
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def line(self, request: httpx.Request) -> str:
        """Return the script's line for a request."""
        return line_of(request)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]

    @property
    def lines(self) -> list[str]:
        return [line_of(request) for request in self.requests]


def line_of(request: httpx.Request) -> str:
    """Return ``METHOD /path`` below the API, with the host in front if it is another one."""
    path = request.url.raw_path.decode().partition("?")[0]
    address = f"{request.url.scheme}://{request.url.netloc.decode()}{path}"
    return f"{request.method} {address.removeprefix(ACCESS.url)}"


def ok(data: Any, **headers: str) -> httpx.Response:
    return httpx.Response(200, json=data, headers=headers)


def refused(status: int, message: Any = "said so", **headers: str) -> httpx.Response:
    """Return an error as the API words it."""
    body = {"path": "/x", "statusCode": status, "error": "An Error", "message": message}
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=fields)


def web_page(status: int = 200) -> httpx.Response:
    return httpx.Response(status, html="<!doctype html><HTML><body>Dashboard</body></HTML>")


def lost() -> httpx.ReadError:
    """Return the error of a connection that broke after the request was sent."""
    return httpx.ReadError("Connection reset by peer")


class Peer(ConnectionServer):
    """A server on loopback: each connection's request is read, then ``talk`` does the rest."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.talk = talk
        self.tls = tls
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{HOST}:{self.port}"

    def handle(self, connection: socket.socket) -> None:
        """Answer one request, over TLS if that is what the server speaks."""
        if self.tls is None:
            self._answer(connection)
            return
        with self.tls.wrap_socket(connection, server_side=True) as secure:
            self._answer(secure)

    def _answer(self, connection: socket.socket) -> None:
        head = read_head(connection)
        if head is None:
            return
        # What is left unread would break the connection when it is closed.
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        missing = int(length[1]) - len(head.partition(b"\r\n\r\n")[2]) if length else 0
        while missing > 0:
            missing -= len(connection.recv(min(missing, 65536)))
        self.requests.append(head.decode())
        self.talk(self, connection, head.decode())


Talk = Callable[[Peer, socket.socket, str], None]


@contextmanager
def peer(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer(talk, tls) as server:
        yield server


def says(*pieces: bytes) -> Talk:
    """Send these pieces, then close."""

    def talk(server: Peer, connection: socket.socket, request: str) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return talk


def http(body: bytes, content_type: str = "application/json", status: str = "200 OK") -> bytes:
    """Return a whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


@contextmanager
def client_for(address: str, time: Time | None = None, **access: Any) -> Iterator[DaytonaClient]:
    """Return a client of a real server, whose connections are closed at the end."""
    time = time or Time()
    client = DaytonaClient(replace(ACCESS, url=f"{address}/api", **access), clock=time.clock)
    try:
        yield client
    finally:
        for name in ("http", "visitor"):
            if name in vars(client):
                getattr(client, name).close()


DOING = "trying it"


def ask(client: DaytonaClient, method: str, policy: RetryPolicy = DEFAULT) -> Any:
    """One request of each kind: a read, a change that may run twice, and a create."""
    if method == "GET":
        return client.get("/thing", doing=DOING, policy=policy)
    if method == "POST":
        return client.create("/thing", {}, doing=DOING, policy=policy)
    return client.change(method, "/thing", doing=DOING, policy=policy)


def failure(client: DaytonaClient, method: str = "GET", policy: RetryPolicy = DEFAULT) -> Os2Error:
    """Return the error of a request, which must have a hint."""
    with pytest.raises(Os2Error) as caught:
        ask(client, method, policy)
    assert caught.value.hint
    return caught.value
