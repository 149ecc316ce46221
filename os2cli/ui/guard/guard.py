"""The access check: only the browser that got the token, by our own name, from our own pages.

Other users of this host can reach the port, and so can every page in the user's browser: with a
form (CSRF), a name that resolves to 127.0.0.1 (DNS rebinding), or a WebSocket.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from os2cli.ui.guard.cookies import PREFIX, cookie_values
from os2cli.ui.guard.plain_responses import TooLarge, plain_response
from os2cli.ui.guard.policy import UNCACHED, security_headers

HOST = "127.0.0.1"
SAFE_METHODS = frozenset({"GET", "HEAD"})
METHODS = SAFE_METHODS | {"POST"}
BODY_BYTES = 256 * 1024
SIGN_OUT = "/sign-out"


@dataclass(frozen=True)
class Credentials:
    """The port of the server, and its secrets."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def origin(self) -> str:
        """The origin of all pages."""
        return f"http://{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The URL that signs a browser in; a secret."""
        return f"{self.origin}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """The cookie's name, one per port: browsers share cookies between the ports of a host."""
        return f"{PREFIX}{self.port}"


class Guard:
    """Rejects requests that fail a check, and adds headers to every response."""

    def __init__(
        self, app: ASGIApp, credentials: Credentials, body_limits: Mapping[str, int]
    ) -> None:
        self.app = app
        self.credentials = credentials
        self.body_limits = body_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request or a WebSocket, then pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        rejection = self._rejection(scope)
        if rejection is None:
            bounded = _bounded(receive, self._limit(scope["path"]))
            await self.app(scope, bounded, with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await rejection(scope, receive, with_headers(send))

    def _rejection(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        wrong_host = self._reject_host(scope, headers)
        if wrong_host is not None:
            return wrong_host
        if scope["type"] == "http" and scope["method"] not in METHODS:
            return plain_response(405, "Method not allowed.")
        if scope["path"] == "/" and (token := _token_of(scope)) is not None:
            return self._sign_in(scope, token)
        if not self._is_signed_in(headers):
            return plain_response(401, "Not signed in.")
        changing = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if not self._is_same_origin(headers, changing=changing):
            return plain_response(403, "Requests from other sites are not allowed.")
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._limit(scope["path"]):
            return plain_response(413, "The request is too large.")
        if (scope["path"], scope.get("method")) == (SIGN_OUT, "POST"):
            return self._sign_out()
        return None

    def _reject_host(self, scope: Scope, headers: Headers) -> Response | None:
        """Reject requests by another host name; redirect ``localhost`` to our own.

        The pages of machines are on localhost and must not get our cookie.
        """
        host = headers.getlist("host")
        if host == [f"{HOST}:{self.credentials.port}"]:
            return None
        if host == [f"localhost:{self.credentials.port}"] and scope.get("method") in SAFE_METHODS:
            query = scope["query_string"].decode("latin-1")
            path = scope["raw_path"].decode("latin-1").partition("?")[0]
            return RedirectResponse(
                f"{self.credentials.origin}{path}{'?' if query else ''}{query}", 307
            )
        return plain_response(421, "Unknown host name.")

    def _sign_in(self, scope: Scope, token: str) -> Response:
        if scope["method"] != "GET" or not _same(token.encode(), self.credentials.token):
            return plain_response(403, "Invalid token.")
        # The redirect removes the token from the address bar and the history.
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self.credentials.cookie,
            self.credentials.session,
            httponly=True,
            samesite="strict",
            path="/",
        )
        return answer

    def _sign_out(self) -> Response:
        """End the session in every browser that has it; the token starts another."""
        self.credentials = replace(self.credentials, session=secrets.token_urlsafe(32))
        answer = plain_response(200, "You are signed out.")
        answer.delete_cookie(self.credentials.cookie, path="/", httponly=True, samesite="strict")
        return answer

    def _is_signed_in(self, headers: Headers) -> bool:
        values = cookie_values(headers.raw, self.credentials.cookie)
        return any(_same(value, self.credentials.session) for value in values)

    def _is_same_origin(self, headers: Headers, *, changing: bool) -> bool:
        origins = headers.getlist("origin")
        if (changing or origins) and origins != [self.credentials.origin]:
            return False
        site = headers.get("sec-fetch-site", "same-origin")
        if site == "same-origin" or (site == "none" and not changing):
            return True
        # Links on other sites may lead here; the browser decides whether the cookie is sent.
        navigating = headers.get("sec-fetch-mode") == "navigate"
        return navigating and not changing

    def _limit(self, path: str) -> int:
        limits = [limit for start, limit in self.body_limits.items() if path.startswith(start)]
        return max(limits, default=BODY_BYTES)


def _bounded(receive: Receive, limit: int) -> Receive:
    """Limit how much of a body is read: a chunked body declares no length."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > limit:
                raise TooLarge
        return message

    return counted


def with_headers(send: Send) -> Send:
    """Add our headers to responses that don't set them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**security_headers(), **UNCACHED}.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _token_of(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    tokens = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("token")
    return tokens[-1] if tokens else None


def _same(value: bytes, expected: str) -> bool:
    return secrets.compare_digest(value, expected.encode())
