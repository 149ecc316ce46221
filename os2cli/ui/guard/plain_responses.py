"""What is said to who may not come in: plain, without a script and without a secret."""

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
<p>{what}</p>
<p>Look into the terminal where <code>os2 ui</code> runs, and open the address there.</p>
</html>
"""


class TooLarge(Exception):
    """A request's body is longer than it may be."""


def refusal(status: int, what: str) -> Response:
    """The answer to a request that was not let in."""
    return HTMLResponse(_PAGE.format(what=escape(what)), status)
