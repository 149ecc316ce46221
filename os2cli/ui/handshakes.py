"""WebSockets that open with any cookies of other programs on this host."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from os2cli.ui.guard.cookies import without_foreign_cookies


class WebSockets(WebSocketsSansIOProtocol):
    """Uvicorn's WebSockets, whose parser allows 8192 bytes of cookies and no control characters."""

    def data_received(self, data: bytes) -> None:
        """Receive data; uvicorn 0.54 passes the whole handshake on in one piece."""
        if not self.handshake_initiated:
            data = without_foreign_cookies(data)
        super().data_received(data)
