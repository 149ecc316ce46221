"""The access check: only the browser that got the token, by our own name, from our own pages.

Other users of this host can reach the port, and so can every page in the user's browser: with a
form (CSRF), a name that resolves to 127.0.0.1 (DNS rebinding), or a WebSocket. Outside of the
server's folder they all get the same empty answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from os2cli.ui.guard.bodies import BODY_BYTES, BODY_SECONDS, BodyError, TooLarge, bounded
from os2cli.ui.guard.credentials import HOST, Credentials
from os2cli.ui.guard.plain_responses import plain_response, send_nothing
from os2cli.ui.guard.policy import UNCACHED, security_headers
from os2cli.ui.guard.sign_in import SIGN_IN, SIGN_OUT, form_token, query_token, sign_in, sign_out

SAFE_METHODS = frozenset({"GET", "HEAD"})
METHODS = SAFE_METHODS | {"POST"}


class Guard:
    """Rejects requests that fail a check, and adds headers to every response.

    ``body_limits`` are the sizes of larger bodies, by the start of their path; what takes them
    also has its own deadlines.
    """

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
        elif self.credentials.covers(scope["path"]):
            await self._below({**scope, "root_path": self.credentials.base}, receive, send)
        else:
            await send_nothing(scope, send)

    async def _below(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer below the server's folder."""
        try:
            answer = await self._answer(scope, receive)
            if answer is None:
                limit = self._limit(self._path(scope))
                seconds = BODY_SECONDS if limit == BODY_BYTES else inf
                await self.app(scope, bounded(receive, limit, seconds), with_headers(send))
                return
        except BodyError as error:
            answer = plain_response(error.status, error.message)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, with_headers(send))

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Return our own answer, None for a request that passes."""
        headers = Headers(scope=scope)
        wrong_host = self._reject_host(scope, headers)
        if wrong_host is not None:
            return wrong_host
        path, method = self._path(scope), scope.get("method")
        if method is not None and method not in METHODS:
            return plain_response(405, "Method not allowed.")
        if (path, method) == (SIGN_IN, "POST"):
            return sign_in(self.credentials, scope, await form_token(receive))
        if path == "/" and method and (token := query_token(scope)) is not None:
            return sign_in(self.credentials, scope, token) if method == "GET" else _not_signed_in()
        return self._rejection(scope, headers)

    def _rejection(self, scope: Scope, headers: Headers) -> Response | None:
        if not self.credentials.are_in(headers.raw):
            return _not_signed_in()
        changing = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if not self._is_same_origin(headers, changing=changing):
            return plain_response(403, "Requests from other sites are not allowed.")
        path, declared = self._path(scope), headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._limit(path):
            return plain_response(TooLarge.status, TooLarge.message)
        if (path, scope.get("method")) == (SIGN_OUT, "POST"):
            return sign_out(self.credentials)
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

    def _path(self, scope: Scope) -> str:
        """Return the path of a request below the server's folder."""
        path: str = scope["path"]
        return path.removeprefix(self.credentials.base)

    def _limit(self, path: str) -> int:
        limits = [limit for start, limit in self.body_limits.items() if path.startswith(start)]
        return max(limits, default=BODY_BYTES)


def with_headers(send: Send) -> Send:
    """Add our headers to responses that don't set them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**security_headers(), **UNCACHED}.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _not_signed_in() -> Response:
    return plain_response(401, "Not signed in.")
