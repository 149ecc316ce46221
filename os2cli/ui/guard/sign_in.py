"""Signing in with a token that works once, and signing out."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from os2cli.ui.guard.bodies import read_body
from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.guard.plain_responses import plain_response

# Below the server's folder; the forwarding page posts to the first.
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
_FORM_BYTES = 4096
# A navigation that another site started, such as a terminal in a browser or the forwarding page,
# carries no strict cookie, nor does a redirect of it. The next one starts here and carries it.
_ONWARD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0;url={base}/">
<link rel="icon" href="data:,">
<title>os2</title>
</html>
"""


def query_token(scope: Scope) -> str | None:
    """Return the token in a URL; None if there is none."""
    return _token(scope["query_string"].decode("latin-1"))


async def form_token(receive: Receive) -> str:
    """Return the token in a form.

    Raises:
        TooLarge, TooSlow: The body exceeds a limit.
    """
    body = await read_body(receive, _FORM_BYTES)
    return _token(body.decode("latin-1")) or ""


def _token(text: str) -> str | None:
    tokens = parse_qs(text, keep_blank_values=True).get("token")
    return tokens[-1] if tokens else None


def sign_in(credentials: Credentials, scope: Scope, token: str) -> Response:
    """Exchange a token for the cookie."""
    headers = Headers(scope=scope)
    if "prefetch" in headers.get("sec-purpose", ""):
        # What a browser loads ahead must not use up the token.
        return plain_response(503, "Open the page.")
    if scope["method"] not in ("GET", "POST") or not credentials.redeem(token):
        return plain_response(403, "Invalid token: each one works once.")
    answer: Response
    if scope["method"] == "GET" and headers.get("sec-fetch-site", "none") == "none":
        answer = RedirectResponse(f"{credentials.base}/", 303)
    else:
        answer = HTMLResponse(_ONWARD.format(base=credentials.base))
    answer.set_cookie(
        credentials.cookie,
        credentials.session,
        httponly=True,
        samesite="strict",
        path=f"{credentials.base}/",
    )
    return answer


def sign_out(credentials: Credentials) -> Response:
    """End the session in every browser that has it; the next token starts another."""
    credentials.end_session()
    answer = plain_response(200, "You are signed out.")
    answer.delete_cookie(
        credentials.cookie, path=f"{credentials.base}/", httponly=True, samesite="strict"
    )
    return answer
