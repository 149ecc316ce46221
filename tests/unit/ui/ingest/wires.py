"""The two sides of the proxy: a browser that may send any bytes, and PostHog as a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from os2cli.ui.ingest import IngestProxy, Limits, Upstreams
from tests.polling import until

HOST = "127.0.0.1"
DEADLINE_SECONDS = 10
SAYS_OK = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\n\r\n{}"
)

Talk = Callable[["Upstream", socket.socket, bytes], None]


@dataclass
class Upstream:
    """A server whose every connection is read to the end of the request's head, then ``talk``."""

    talk: Talk = lambda _server, connection, _head: connection.sendall(SAYS_OK)
    heads: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Upstream:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_SECONDS)
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            self.heads.append(head)
            self.talk(self, connection, head)
            # Closed with something unread, it would be reset, and the answer could get lost.
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def waits(server: Upstream, _connection: socket.socket, _head: bytes) -> None:
    """Say nothing until the test is over, and read nothing."""
    server.ended.wait(DEADLINE_SECONDS)


def says(answer: bytes) -> Talk:
    return lambda _server, connection, _head: connection.sendall(answer)


@contextmanager
def proxy_to(api: str, assets: str = "", limits: Limits | None = None) -> Iterator[Browser]:
    """The proxy at ``/ingest`` of a real server."""
    proxy = IngestProxy(Upstreams(api, assets or api), limits)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await proxy.aclose()

    app = Starlette(routes=[Mount("/ingest", app=proxy)], lifespan=lifespan)
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield Browser(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@dataclass(frozen=True)
class Reply:
    """An answer, taken apart without anybody's help."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Browser:
    """Sends bytes as they are, where a client of HTTP would make them normal."""

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
            # Whoever refuses a body does not read the rest of it.
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
    """All that comes until the connection is closed."""
    raw = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Reply(int(status.split()[1]), headers, body)
