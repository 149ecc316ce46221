"""A log of the toolbox that is sent as it grows, over a WebSocket.

Its messages are passed on in pieces: a client that waits for the end of one would keep all of it.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpcore
import httpx
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import ProtocolError

from os2cli.host.network.bounded import opened
from os2cli.providers.daytona.machines.toolbox import Toolbox

CONNECT_SECONDS = 20.0
# After this silence, the log has been sent up to its end.
QUIET_SECONDS = 0.5
# A connection that is silent is asked whether it is still there.
PING_SECONDS = 20.0
SEND_SECONDS = 10.0
CHUNK_BYTES = 64 * 1024
SWITCHED = 101


def log_messages(toolbox: Toolbox, path: str, doing: str) -> Iterator[bytes]:
    """Yield a log from its beginning, until the connection closes, and ``b""`` for each silence.

    Raises ``Unreachable`` if there is no connection, or it breaks.
    """
    try:
        with opened(
            toolbox.http,
            "GET",
            f"{toolbox.url}{path}?follow=true",
            seconds=CONNECT_SECONDS,
            headers={**toolbox.headers, **_upgrade()},
            timeout=CONNECT_SECONDS,
        ) as answer:
            if answer.status_code != SWITCHED:
                raise httpx.RemoteProtocolError(f"HTTP {answer.status_code} for a WebSocket")
            yield from _Messages(answer.extensions["network_stream"])
    except (
        ProtocolError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpx.HTTPError,
        httpx.InvalidURL,
        ValueError,
    ) as error:
        raise toolbox.no_answer(doing, error) from error


def _upgrade() -> dict[str, str]:
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }


class _Messages:
    """The messages of an open WebSocket, in pieces."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._connection = Connection(ConnectionType.CLIENT)
        self._silent_seconds = 0.0

    def __iter__(self) -> Iterator[bytes]:
        """Yield until the server closes the connection."""
        while True:
            try:
                data = self._stream.read(CHUNK_BYTES, QUIET_SECONDS)
            except httpcore.ReadTimeout:
                self._be_silent()
                yield b""
                continue
            if not data:
                raise httpx.RemoteProtocolError("the connection broke")
            self._silent_seconds = 0.0
            self._connection.receive_data(data)
            for event in self._connection.events():
                if isinstance(event, CloseConnection):
                    self._send(event.response())
                    return
                if isinstance(event, Ping):
                    self._send(event.response())
                elif isinstance(event, TextMessage):
                    yield event.data.encode(errors="replace")
                elif isinstance(event, BytesMessage):
                    yield bytes(event.data)

    def _be_silent(self) -> None:
        before = self._silent_seconds
        self._silent_seconds += QUIET_SECONDS
        if self._silent_seconds >= 2 * PING_SECONDS:
            raise httpx.ReadTimeout("the connection is silent")
        if before < PING_SECONDS <= self._silent_seconds:
            self._send(Ping())

    def _send(self, event: Any) -> None:
        self._stream.write(self._connection.send(event), SEND_SECONDS)
