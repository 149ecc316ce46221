"""Responses to rejected requests: plain pages without scripts and without secrets."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse, Response

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>os2</title>
<h1>os2</h1>
<p>{message}</p>
<p>Open the link printed in the terminal running <code>os2 ui</code>.</p>
</html>
"""


class TooLarge(Exception):
    """A request's body exceeds its limit."""


def plain_response(status: int, message: str) -> Response:
    """Return a plain page with a message."""
    return HTMLResponse(_PAGE.format(message=escape(message)), status)
