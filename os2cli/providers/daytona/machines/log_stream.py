"""A log of the toolbox that is sent as it grows, over a WebSocket."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import httpx
from httpx_ws import HTTPXWSException, WebSocketDisconnect, WebSocketSession, connect_ws
from wsproto.events import BytesMessage, Event, TextMessage

from os2cli.providers.daytona.machines.toolbox import Toolbox

# After this silence, the log has been sent up to its end.
QUIET_SECONDS = 0.5
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


def log_messages(toolbox: Toolbox, path: str, doing: str) -> Iterator[bytes]:
    """Yield a log from its beginning, until the connection closes, and ``b""`` for each silence.

    Raises ``Unreachable`` if there is no connection, or it breaks.
    """
    address = f"{toolbox.url}{path}?follow=true"
    session: WebSocketSession
    event: Event
    try:
        with connect_ws(
            address,
            toolbox.http,
            max_message_size_bytes=MAX_MESSAGE_BYTES,
            headers=toolbox.headers,
        ) as session:
            while True:
                try:
                    event = session.receive(timeout=QUIET_SECONDS)
                except (queue.Empty, TimeoutError):
                    yield b""
                    continue
                if isinstance(event, TextMessage):
                    yield event.data.encode()
                elif isinstance(event, BytesMessage):
                    yield bytes(event.data)
    except WebSocketDisconnect:
        return
    except (HTTPXWSException, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise toolbox.no_answer(doing, error) from error
