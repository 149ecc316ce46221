"""The proxy itself: one request from the browser, one to PostHog, both as streams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import anyio
import httpx

from os2cli.host.web import LOOPBACK_PATTERNS, certificates
from os2cli.ui.ingest.body import ClientGone, Receive, RequestBody
from os2cli.ui.ingest.headers import (
    content_length,
    request_headers,
    response_headers,
    words_headers,
)
from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.upstreams import ASSET_METHODS, Refused, Upstreams

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NOT_MODIFIED = 304


class IngestProxy:
    """An ASGI application that is mounted at the page's ``/ingest``.

    The checks that every request to the page has to pass (its cookie, ``Host`` and ``Origin``)
    stand before it.
    """

    def __init__(self, upstreams: Upstreams, limits: Limits | None = None) -> None:
        self.upstreams = upstreams
        self.limits = limits or Limits()
        self._running = 0
        self._client = _connections(self.limits)

    async def aclose(self) -> None:
        """Close the connections to PostHog, which are held open between requests."""
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = _Answer(send, bare=scope["method"] == "HEAD")
        try:
            if self._running >= self.limits.concurrent:
                raise Refused(503, "too many requests at once")
            self._running += 1
            try:
                await self._exchange(scope, receive, answer)
            finally:
                self._running -= 1
        except Refused as refused:
            await answer.refuse(refused)
        except ClientGone:
            return

    async def _exchange(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        body = RequestBody(receive, self.limits)
        request = self._request(scope, body)
        outcome: list[Refused | ClientGone] = []
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await body.until_gone()
                outcome.append(ClientGone())
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            try:
                with anyio.fail_after(self.limits.total_seconds):
                    await self._forward(request, answer)
            except TimeoutError:
                outcome.append(Refused(504, "PostHog takes too long"))
            except (Refused, ClientGone) as error:
                outcome.append(error)
            tasks.cancel_scope.cancel()
        if outcome:
            raise outcome[0]

    def _request(self, scope: Scope, body: RequestBody) -> httpx.Request:
        method: str = scope["method"]
        with_body = method not in ASSET_METHODS
        target = self.upstreams.target(method, *_raw_target(scope))
        headers = request_headers(scope["headers"], with_body=with_body)
        if (content_length(headers) or 0) > self.limits.request_bytes:
            raise Refused(413, "the body is too large")
        content = body.parts() if with_body else body.nothing()
        # Made without the client, which would add headers and cookies of its own.
        request = httpx.Request(method, target, headers=headers, content=content)
        if not with_body:
            del request.headers["transfer-encoding"]
        return request

    async def _forward(self, request: httpx.Request, answer: _Answer) -> None:
        try:
            response = await self._client.send(request, stream=True)
            try:
                await self._return(response, answer)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        except httpx.TimeoutException:
            raise Refused(504, "PostHog takes too long") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Refused(502, "PostHog cannot be reached") from None

    async def _return(self, response: httpx.Response, answer: _Answer) -> None:
        if response.is_redirect and response.status_code != NOT_MODIFIED:
            # Whereto it leads is not for this proxy to say, nor for the page to visit.
            raise Refused(502, "PostHog sent a redirect")
        headers = response.headers.raw
        if (content_length(headers) or 0) > self.limits.response_bytes and not answer.bare:
            raise Refused(502, "PostHog's answer is too large")
        await answer.start(response.status_code, response_headers(headers))
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > self.limits.response_bytes:
                raise Refused(502, "PostHog's answer is too large")
            await answer.add(part)
        await answer.end()


class _Answer:
    """The answer to the browser. What goes wrong after its beginning leaves it without an end.

    The server then closes the connection, so that nobody takes a part for the whole.
    """

    def __init__(self, send: Send, *, bare: bool) -> None:
        self._send = send
        self.bare = bare
        self._started = False

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def add(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, refused: Refused) -> None:
        if self._started:
            return
        words = f"{refused.words}\n".encode()
        headers = words_headers(len(words))
        if refused.allow:
            headers.append((b"allow", ", ".join(refused.allow).encode()))
        # What may still come of a body is read by nobody.
        headers.append((b"connection", b"close"))
        if refused.status == 503:
            headers.append((b"retry-after", b"1"))
        await self.start(refused.status, headers)
        await self.add(words)
        await self.end()


def _raw_target(scope: Scope) -> tuple[str, str]:
    """Path below the proxy and query, as they came: decoding is how traversals get through."""
    raw: bytes = scope.get("raw_path") or b""
    prefix: str = scope.get("root_path", "")
    path = raw.decode("latin-1")
    if not path.startswith(f"{prefix}/"):
        raise Refused(404, "PostHog has no such path")
    query: bytes = scope.get("query_string", b"")
    return path.removeprefix(prefix), query.decode("latin-1")


def _connections(limits: Limits) -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        verify=certificates(),
        # Plain HTTP is for this computer alone: a proxy would be another one.
        mounts=dict.fromkeys(LOOPBACK_PATTERNS),
        follow_redirects=False,
        timeout=httpx.Timeout(limits.answer_seconds, connect=limits.connect_seconds),
        limits=httpx.Limits(max_connections=limits.concurrent),
    )
    # PostHog's cookies are kept by nobody: neither here nor in the browser.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client
