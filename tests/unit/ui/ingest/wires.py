"""The two sides of the proxy: a browser that may send any bytes, and PostHog as a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Mount

from os2cli.ui.ingest import IngestProxy, Limits, Upstreams
from tests.serving import DEADLINE_SECONDS, HOST, ConnectionServer, asgi_server, read_head

SAYS_OK = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\n\r\n{}"
)

Talk = Callable[["Upstream", socket.socket, bytes], None]


class Upstream(ConnectionServer):
    """A server that reads the head of each connection's request, then lets ``talk`` answer."""

    def __init__(
        self, talk: Talk = lambda _server, connection, _head: connection.sendall(SAYS_OK)
    ) -> None:
        super().__init__()
        self.talk = talk
        self.heads: list[bytes] = []
        self.gone = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def handle(self, connection: socket.socket) -> None:
        """Keep the head, answer, and read what is left."""
        head = read_head(connection)
        if head is None:
            return
        self.heads.append(head)
        self.talk(self, connection, head)
        # Closing with unread data resets the connection, and the response could get lost.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def waits(server: Upstream, _connection: socket.socket, _head: bytes) -> None:
    """Neither read nor answer until the test is over."""
    server.ended.wait(DEADLINE_SECONDS)


def says(answer: bytes) -> Talk:
    return lambda _server, connection, _head: connection.sendall(answer)


@contextmanager
def proxy_to(api: str, assets: str = "", limits: Limits | None = None) -> Iterator[Browser]:
    """Serve the proxy at ``/ingest``; yields a browser for it."""
    proxy = IngestProxy(Upstreams(api, assets or api), limits)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await proxy.aclose()

    app = Starlette(routes=[Mount("/ingest", app=proxy)], lifespan=lifespan)
    with asgi_server(app) as port:
        yield Browser(port)


@dataclass(frozen=True)
class Reply:
    """A response, parsed without an HTTP library."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Browser:
    """A client that sends bytes as they are, where an HTTP library would normalise them."""

    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def connect(self) -> socket.socket:
        connection = socket.create_connection((HOST, self.port), DEADLINE_SECONDS)
        connection.settimeout(DEADLINE_SECONDS)
        return connection

    def send(self, request: bytes) -> Reply:
        with self.connect() as connection:
            # A server that rejects a body does not read the rest of it.
            with suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(request)
            return read_reply(connection)

    def ask(self, target: str, *headers: str, method: str = "POST", body: bytes = b"") -> Reply:
        return self.send(self.head(target, *headers, method=method, length=len(body)) + body)

    def head(
        self, target: str, *headers: str, method: str = "POST", length: int | None = None
    ) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}:{self.port}", *headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def read_reply(connection: socket.socket) -> Reply:
    """Read the response until the connection is closed."""
    raw = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Reply(int(status.split()[1]), headers, body)
