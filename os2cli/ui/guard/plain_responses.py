"""Responses to rejected requests: plain pages without scripts and without secrets."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope, Send

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>os2</title>
<h1>os2</h1>
<p>{message}</p>
<p>Open the latest link printed in the terminal running <code>os2 ui</code>.</p>
</html>
"""


def plain_response(status: int, message: str) -> Response:
    """Return a plain page with a message."""
    return HTMLResponse(_PAGE.format(message=escape(message)), status)


async def send_nothing(scope: Scope, send: Send) -> None:
    """Answer as a server without pages: an empty 404, also to a WebSocket."""
    start = f"{'websocket.' if scope['type'] == 'websocket' else ''}http.response"
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": f"{start}.start", "status": 404, "headers": headers})
    await send({"type": f"{start}.body", "body": b""})
