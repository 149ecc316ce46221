"""A request's body on its way through: counted, hurried, and never held as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import anyio

from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.upstreams import Refused

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The browser closed the connection; nobody waits for an answer any more."""


class RequestBody:
    """What the browser sends, part by part."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._ended = anyio.Event()

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, until its end.

        Raises:
            Refused: it is too large or too slow.
            ClientGone: the connection was closed before its end.
        """
        size = 0
        deadline = anyio.current_time() + self._limits.body_seconds
        more = True
        while more:
            message = await self._next(deadline)
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._limits.request_bytes:
                raise Refused(413, "the body is too large")
            if part:
                yield part
            more = message.get("more_body", False)
        self._ended.set()

    async def _next(self, deadline: float) -> MutableMapping[str, Any]:
        try:
            with anyio.fail_after(deadline - anyio.current_time()):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "the body takes too long") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    async def nothing(self) -> AsyncIterator[bytes]:
        """No body: what a request without one sends is not looked at."""
        self._ended.set()
        return
        yield b""

    async def until_gone(self) -> None:
        """Wait until the browser closes the connection; before the body's end ``parts`` sees it."""
        await self._ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
