"""Listening with uvicorn's HTTP, on connections that an application may close under the client."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from tests.serving import abort_all, stop_accepting

HOST = "127.0.0.1"
TRANSPORT = "os2.transport"


class Connection(H11Protocol):
    """Tells the application its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, and let each scope on it know."""
        super().connection_made(transport)
        app: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> Any:
            scope[TRANSPORT] = transport
            return await app(scope, receive, send)

        self.app = with_transport


class Socket(WebSocketsSansIOProtocol):
    """The same for a WebSocket, which a connection becomes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, and let its scope know."""
        super().connection_made(transport)
        app: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> Any:
            scope[TRANSPORT] = transport
            return await app(scope, receive, send)

        self.app = with_transport


class Listeners:
    """Any number of addresses on loopback, each with an application; all closed at once.

    ``uvicorn.Server`` is for one application that takes the process over, and takes 0.2 s to stop.
    """

    def __init__(self) -> None:
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []

    async def listen(self, app: ASGIApp, *, sockets: bool = False) -> int:
        """Serve ``app`` on a free port and say which; only with ``sockets`` also WebSockets."""
        config = uvicorn.Config(
            app,
            log_config=None,
            # The loggers are those of the whole process, and other tests look at what they write.
            log_level=None,
            server_header=False,
            ws=Socket if sockets else "none",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
        )
        config.load()

        def connection() -> Connection:
            return Connection(config=config, server_state=self._state, app_state={})

        loop = asyncio.get_running_loop()
        server = await loop.create_server(connection, HOST, 0, backlog=2048)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening, end the connections and whatever still runs on them."""
        await stop_accepting(self._servers)
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        await abort_all(self._state)
        tasks = set(self._state.tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
