"""A streamed request body with limits on its size and on silence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import anyio

from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.upstreams import Refused

# A write to PostHog ends when the part has left: on a slow line, a large one would seem to hang.
PART_BYTES = 16 * 1024

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The browser closed the connection."""


class RequestBody:
    """The body of a request, part by part."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._ended = anyio.Event()

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the parts of the body.

        Raises:
            Refused: The body is too large, or the browser sends nothing for too long.
            ClientGone: The browser closed the connection before the end.
        """
        size = 0
        more = True
        while more:
            message = await self._next()
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._limits.request_bytes:
                raise Refused(413, "the request body is too large")
            for start in range(0, len(part), PART_BYTES):
                yield part[start : start + PART_BYTES]
            more = message.get("more_body", False)
        self._ended.set()

    async def _next(self) -> MutableMapping[str, Any]:
        try:
            with anyio.fail_after(self._limits.body_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "the request body timed out") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    async def nothing(self) -> AsyncIterator[bytes]:
        """Yield nothing: the method has no body, and what is sent anyway is ignored."""
        self._ended.set()
        return
        yield b""

    async def until_gone(self) -> None:
        """Wait until the browser disconnects after the body; before that, ``parts`` notices."""
        await self._ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
