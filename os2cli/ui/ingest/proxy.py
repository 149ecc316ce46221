"""The proxy: streams each request to PostHog and returns the data of its response."""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import anyio
import httpx

from os2cli.core.notices import Notices
from os2cli.host.network.transport import AsyncTransport, ProxyFailed
from os2cli.ui.ingest.body import ClientGone, Receive, RequestBody
from os2cli.ui.ingest.documents import Document, parse_document
from os2cli.ui.ingest.headers import (
    Headers,
    content_length,
    is_json,
    request_headers,
    response_headers,
    retry_after,
)
from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.upstreams import Refused, Target, Upstreams

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SEND_BUFFER_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to the browser."""

    status: int
    headers: Headers
    body: bytes = b""

    async def send(self, send: Send, *, bare: bool) -> None:
        """Send it; ``bare`` without the body."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if bare else self.body})


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
        try:
            if self._running >= self.limits.concurrent:
                raise Refused(503, "too many concurrent requests")
            self._running += 1
            try:
                answer = await self._exchange(scope, receive)
            finally:
                self._running -= 1
        except Refused as refused:
            answer = _refusal(refused)
        except ClientGone:
            return
        await answer.send(send, bare=scope["method"] == "HEAD")

    async def _exchange(self, scope: Scope, receive: Receive) -> Answer:
        target = self.upstreams.target(scope["method"], *_raw_target(scope))
        body = RequestBody(receive, self.limits)
        request = self._request(scope, target, body)
        outcome: list[Answer | Refused | ClientGone] = []
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await body.until_gone()
                outcome.append(ClientGone())
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            try:
                with anyio.fail_after(self.limits.total_seconds):
                    outcome.append(await self._forward(request, target.data_of))
            except TimeoutError:
                outcome.append(Refused(504, "PostHog timed out"))
            except (Refused, ClientGone) as error:
                outcome.append(error)
            tasks.cancel_scope.cancel()
        if isinstance(outcome[0], Answer):
            return outcome[0]
        raise outcome[0]

    def _request(self, scope: Scope, target: Target, body: RequestBody) -> httpx.Request:
        headers = request_headers(scope["headers"], with_body=target.with_body)
        if (content_length(headers) or 0) > self.limits.request_bytes:
            raise Refused(413, "the request body is too large")
        content = body.parts() if target.with_body else body.nothing()
        # Built without the client, which would add headers and cookies.
        try:
            request = httpx.Request(
                scope["method"],
                target.url,
                headers=headers,
                content=content,
                extensions={"trace": _on_event},
            )
        except (httpx.InvalidURL, ValueError):
            raise Refused(502, "POSTHOG_HOST is not a web address") from None
        if not target.with_body:
            del request.headers["transfer-encoding"]
        return request

    async def _forward(self, request: httpx.Request, data_of: Document) -> Answer:
        try:
            response = await self._client.send(request, stream=True)
            try:
                return await self._answer(response, data_of)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        except ProxyFailed as error:
            raise Refused(502, f"cannot reach PostHog: {error}") from None
        except (httpx.TimeoutException, TimeoutError):
            raise Refused(504, "PostHog timed out") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise Refused(502, "cannot reach PostHog") from None

    async def _answer(self, response: httpx.Response, data_of: Document) -> Answer:
        """Return what the page gets: a status, and of a document only the data that it needs."""
        headers = response.headers.raw
        if not response.is_success:
            if not response.is_error:
                # Neither this proxy nor the page may be sent to another host.
                raise Refused(502, f"PostHog sent status {response.status_code}")
            return _data(response.status_code, {}, retry_after(headers))
        # A response without a body need not say what it would be.
        content = await self._content(response)
        if content and not is_json(headers):
            raise Refused(502, "PostHog's response is not JSON")
        try:
            return _data(200, data_of(parse_document(content)), [])
        except ValueError:
            raise Refused(502, "PostHog's response is not JSON") from None

    async def _content(self, response: httpx.Response) -> bytes:
        content = bytearray()
        # One deadline for the whole, so that a drip ends as silence does.
        with anyio.fail_after(self.limits.answer_seconds):
            async for part in response.aiter_raw():
                content += part
                if len(content) > self.limits.response_bytes:
                    raise Refused(502, "PostHog's response is too large")
        return bytes(content)


def _data(status: int, document: Mapping[str, Any], more: Headers) -> Answer:
    body = json.dumps(document).encode()
    return Answer(status, response_headers(b"application/json", len(body)) + more, body)


def _refusal(refused: Refused) -> Answer:
    body = f"{refused.message}\n".encode()
    headers = response_headers(b"text/plain; charset=utf-8", len(body))
    # The rest of the request's body is not read.
    headers.append((b"connection", b"close"))
    if refused.allow:
        headers.append((b"allow", ", ".join(refused.allow).encode()))
    if refused.status == 503:
        headers.append((b"retry-after", b"1"))
    return Answer(refused.status, headers, body)


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
