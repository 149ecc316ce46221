"""Uvicorn's protocols, with limits on what a client sends and does not read."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.wire.connections import LOG, Connection, Connections, Use
from os2cli.ui.wire.heads import Head, HeadTooLarge

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class Requests(H11Protocol):
    """HTTP, as h11 parses it."""

    def __init__(self, connections: Connections, credentials: Credentials, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._counted = connections
        self._head = Head(credentials)
        self._connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection."""
        super().connection_made(transport)
        self._connection = self._counted.add(transport, self._use)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._counted.discard(self._connection)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive data; h11 gets a head only once it is whole."""
        if self._expects_head():
            try:
                whole = self._head.add(data)
            except HeadTooLarge:
                LOG.warning("rejected a request: its head is too large")
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
            self._counted.hold(self._connection, len(self._head))
            if whole is None:
                # Half a head counts as a wait for a request, not as an idle connection.
                self._unset_keepalive_if_required()
                return
            data = whole
        super().data_received(data)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Pass the connection on, which counts as a WebSocket from now on."""
        self._counted.discard(self._connection)
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._connection.reuse()
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Go on: the client has read most of what waited for it."""
        self._connection.progress()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Reject what is not HTTP; an answer that was on its way can't be sent any more."""
        if (cycle := self._running()) is not None:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.abort()
                return
        super().send_400_response(msg)

    def _use(self) -> Use:
        return Use.WAITING if self._running() is None else Use.REQUEST

    def _running(self) -> RequestResponseCycle | None:
        """Return the request that has no whole response yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle if cycle and not cycle.response_complete else None

    def _expects_head(self) -> bool:
        # What a client sent ahead of its turn is in h11's own buffer already.
        return self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]


class WebSockets(WebSocketsSansIOProtocol):
    """WebSockets, as websockets parses them."""

    def __init__(self, connections: Connections, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._counted = connections
        self._connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection."""
        super().connection_made(transport)
        self._connection = self._counted.add(transport, lambda: Use.WEBSOCKET)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._counted.discard(self._connection)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Go on: the client has read most of what waited for it."""
        self._connection.progress()
        super().resume_writing()
