"""Who may ask: the browser that was given the token, by the server's own name, from its own pages.

Other users of this host reach the port as well as we do, and so does every page in the user's
browser: by a form (CSRF), by a name that leads to 127.0.0.1 (DNS rebinding), by a WebSocket.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from os2cli.ui.guard.plain_responses import TooLarge, refusal
from os2cli.ui.guard.policy import UNCACHED, security_headers

HOST = "127.0.0.1"
SAFE_METHODS = frozenset({"GET", "HEAD"})
METHODS = SAFE_METHODS | {"POST"}
BODY_BYTES = 256 * 1024
SIGN_OUT = "/sign-out"


@dataclass(frozen=True)
class Credentials:
    """Where the server is and what opens it."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def origin(self) -> str:
        """The one origin of all pages."""
        return f"http://{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The address that opens it; a secret."""
        return f"{self.origin}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """The cookie's name; a browser sends the cookies of all ports of a host to each of them."""
        return f"os2_ui_{self.port}"


class Guard:
    """Lets pass what may pass, and gives every answer its headers."""

    def __init__(
        self, app: ASGIApp, credentials: Credentials, body_limits: Mapping[str, int]
    ) -> None:
        self.app = app
        self.credentials = credentials
        self.body_limits = body_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request or a WebSocket; everything else is the server's own."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            bounded = _bounded(receive, self._limit(scope["path"]))
            await self.app(scope, bounded, with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refused(scope, receive, with_headers(send))

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        strange = self._strange_name(scope, headers)
        if strange is not None:
            return strange
        if scope["type"] == "http" and scope["method"] not in METHODS:
            return refusal(405, "That method is not used here.")
        if scope["path"] == "/" and (given := _given_token(scope)) is not None:
            return self._entered(scope, given)
        if not self._known(headers):
            return refusal(401, "This page opens with the address that `os2 ui` printed.")
        changing = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if not self._from_us(headers, changing=changing):
            return refusal(403, "Only the pages of os2 itself may ask for that.")
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._limit(scope["path"]):
            return refusal(413, "That is more than is taken here.")
        if (scope["path"], scope.get("method")) == (SIGN_OUT, "POST"):
            return self._left()
        return None

    def _strange_name(self, scope: Scope, headers: Headers) -> Response | None:
        """By another name than ours; `localhost` leads on to it.

        The pages of machines are on localhost: they shall get no cookie of ours.
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
        return refusal(421, "os2 does not answer by that name.")

    def _entered(self, scope: Scope, given: str) -> Response:
        if scope["method"] != "GET" or not _same(given, self.credentials.token):
            return refusal(403, "That token is not the one that `os2 ui` printed.")
        # The token leaves the address bar and the history.
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self.credentials.cookie,
            self.credentials.session,
            httponly=True,
            samesite="strict",
            path="/",
        )
        return answer

    def _left(self) -> Response:
        """Ends the session, here and in every browser that has it; the token begins another."""
        self.credentials = replace(self.credentials, session=secrets.token_urlsafe(32))
        answer = refusal(200, "You are signed out.")
        answer.delete_cookie(self.credentials.cookie, path="/", httponly=True, samesite="strict")
        return answer

    def _known(self, headers: Headers) -> bool:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load("; ".join(headers.getlist("cookie")))
        except CookieError:
            return False
        morsel = jar.get(self.credentials.cookie)
        return morsel is not None and _same(morsel.value, self.credentials.session)

    def _from_us(self, headers: Headers, *, changing: bool) -> bool:
        origins = headers.getlist("origin")
        if (changing or origins) and origins != [self.credentials.origin]:
            return False
        site = headers.get("sec-fetch-site", "same-origin")
        if site == "same-origin" or (site == "none" and not changing):
            return True
        # A link elsewhere may lead here; the cookie comes along only when this host has it.
        navigating = headers.get("sec-fetch-mode") == "navigate"
        return navigating and not changing

    def _limit(self, path: str) -> int:
        found = [limit for start, limit in self.body_limits.items() if path.startswith(start)]
        return max(found, default=BODY_BYTES)


def _bounded(receive: Receive, limit: int) -> Receive:
    """Read no more of a body than it may have; one that is sent in pieces declares nothing."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLarge
        return message

    return counted


def with_headers(send: Send) -> Send:
    """Add our headers to an answer that does not say otherwise."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**security_headers(), **UNCACHED}.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _given_token(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    given = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("token")
    return given[-1] if given else None


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())
