"""Servers that a test starts: each in a thread of this process, on a free port of loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import socketserver
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from tests.polling import until

HOST = "127.0.0.1"
DEADLINE_SECONDS = 10
_POLL_SECONDS = 0.01
_ROUNDS = 10


class Quiet:
    """What keeps a handler of ``http.server`` from writing to the test's output."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Drop the line."""


@contextmanager
def listening_as(user: int) -> Iterator[int]:
    """Listen on a port as another user, whom root may become; yields the port."""
    os.seteuid(user)
    try:
        listener = socket.create_server((HOST, 0))
    finally:
        os.seteuid(0)
    with listener:
        yield listener.getsockname()[1]


@contextmanager
def serving_forever(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve with a server that is bound already, and close it in the end."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def http_server(handler: Any, port: int = 0) -> Iterator[int]:
    """Serve with a handler of ``http.server``, or what makes one; yields the port."""
    server = ThreadingHTTPServer((HOST, port), handler)
    with serving_forever(server):
        yield server.server_port


class _Server(uvicorn.Server):
    """Leaves no connection open that it has not waited for."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await stop_accepting(self.servers)
        await super().shutdown(sockets)
        await abort_all(self.server_state)


async def stop_accepting(servers: Iterable[asyncio.Server]) -> None:
    """Accept nothing more.

    A server that is closed amid an accept leaves that connection open, for ever.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for listener in server.sockets:
            loop.remove_reader(listener.fileno())
    await settled()


async def abort_all(state: ServerState) -> None:
    """End the connections of a server that accepts nothing more."""
    for connection in list(state.connections):
        connection.transport.abort()
    await settled()


async def settled() -> None:
    """Wait until the loop has done what is due: a connection is made and lost in a few rounds."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


@contextmanager
def asgi_server(app: ASGIApp, *, force_exit: bool = False) -> Iterator[int]:
    """Serve an ASGI application; yields the port. ``force_exit`` waits for no open request."""
    # The loggers are those of the whole process, and other tests look at what they write.
    config = uvicorn.Config(app, log_config=None, log_level=None, timeout_graceful_shutdown=1)
    server = _Server(config)
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            until(lambda: server.started)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            server.force_exit = force_exit
            thread.join()


class ConnectionServer:
    """A server of plain bytes: ``handle`` gets each connection, in a thread of its own.

    ``ended`` is set when the test is over, for a ``handle`` that hangs until then.
    """

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def handle(self, connection: socket.socket) -> None:
        """Talk to one client; the connection is closed in the end."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
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
        while not self.ended.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_SECONDS)
        with connection, suppress(OSError):
            self.handle(connection)


def read_head(connection: socket.socket) -> bytes | None:
    """Read a request until the end of its head; None if the client closed before."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(65536)
        if not part:
            return None
        head += part
    return head
