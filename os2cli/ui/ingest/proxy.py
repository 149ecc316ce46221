"""The proxy: streams each request to PostHog and the response back."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import anyio
import httpx

from os2cli.core.notices import Notices
from os2cli.host.network.transport import AsyncTransport, ProxyFailed
from os2cli.ui.ingest.body import ClientGone, Receive, RequestBody
from os2cli.ui.ingest.headers import (
    content_length,
    request_headers,
    response_headers,
    text_headers,
)
from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.upstreams import ASSET_METHODS, Refused, Upstreams

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NOT_MODIFIED = 304
SEND_BUFFER_BYTES = 128 * 1024


class IngestProxy:
    """An ASGI application, mounted at the page's ``/ingest`` behind the guard."""

    def __init__(self, upstreams: Upstreams, limits: Limits | None = None) -> None:
        self.upstreams = upstreams
        self.limits = limits or Limits()
        self._running = 0
        self._client = _connections(self.limits)

    async def aclose(self) -> None:
        """Close the idle connections to PostHog."""
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = _Answer(send, self.limits.body_seconds, bare=scope["method"] == "HEAD")
        try:
            if self._running >= self.limits.concurrent:
                raise Refused(503, "too many concurrent requests")
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
                outcome.append(Refused(504, "PostHog timed out"))
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
            raise Refused(413, "the request body is too large")
        content = body.parts() if with_body else body.nothing()
        # Built without the client, which would add headers and cookies.
        try:
            request = httpx.Request(
                method, target, headers=headers, content=content, extensions={"trace": _on_event}
            )
        except (httpx.InvalidURL, ValueError):
            raise Refused(502, "POSTHOG_HOST is not a web address") from None
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
        except ProxyFailed as error:
            raise Refused(502, f"cannot reach PostHog: {error}") from None
        except httpx.TimeoutException:
            raise Refused(504, "PostHog timed out") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            raise Refused(502, "cannot reach PostHog") from None

    async def _return(self, response: httpx.Response, answer: _Answer) -> None:
        if response.is_redirect and response.status_code != NOT_MODIFIED:
            # Neither this proxy nor the page may be sent to another host.
            raise Refused(502, "PostHog sent a redirect")
        headers = response.headers.raw
        if (content_length(headers) or 0) > self.limits.response_bytes and not answer.bare:
            raise Refused(502, "PostHog's response is too large")
        await answer.start(response.status_code, response_headers(headers))
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > self.limits.response_bytes:
                raise Refused(502, "PostHog's response is too large")
            await answer.add(part)
        await answer.end()


class _Answer:
    """The response to the browser; a failure after its start leaves it incomplete.

    The server then closes the connection, so that the browser notices.
    """

    def __init__(self, send: Send, silence: float, *, bare: bool) -> None:
        self._send = send
        self._silence = silence
        self.bare = bare
        self._started = False

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def add(self, part: bytes) -> None:
        try:
            with anyio.fail_after(self._silence):
                await self._send({"type": "http.response.body", "body": part, "more_body": True})
        except TimeoutError:
            raise ClientGone from None

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, refused: Refused) -> None:
        if self._started:
            return
        text = f"{refused.message}\n".encode()
        headers = text_headers(len(text))
        if refused.allow:
            headers.append((b"allow", ", ".join(refused.allow).encode()))
        # The rest of the request's body is not read.
        headers.append((b"connection", b"close"))
        if refused.status == 503:
            headers.append((b"retry-after", b"1"))
        await self.start(refused.status, headers)
        await self.add(text)
        await self.end()


def _raw_target(scope: Scope) -> tuple[str, str]:
    """Return path and query undecoded: decoding would let path traversals through."""
    raw: bytes = scope.get("raw_path") or b""
    prefix: str = scope.get("root_path", "")
    path = raw.decode("latin-1")
    if not path.startswith(f"{prefix}/"):
        raise Refused(404, "unknown path")
    query: bytes = scope.get("query_string", b"")
    return path.removeprefix(prefix), query.decode("latin-1")


async def _on_event(name: str, info: Mapping[str, Any]) -> None:
    """Keep the system from buffering a body that has not left.

    PostHog's response is waited for once the body is written, not once it has left.
    """
    if name.endswith("connect_tcp.complete"):
        connection = info["return_value"].get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def _connections(limits: Limits) -> httpx.AsyncClient:
    # Not reported: analytics warn of nothing, and what else needs the network warns itself.
    unheard = Notices()
    client = httpx.AsyncClient(
        transport=AsyncTransport(httpx.Limits(max_connections=limits.concurrent), unheard),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(limits.answer_seconds, connect=limits.connect_seconds),
    )
    # Store no cookies of PostHog, here or in the browser.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client
