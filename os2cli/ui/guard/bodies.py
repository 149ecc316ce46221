"""Request bodies with a limit on their size and a deadline for the whole."""

from __future__ import annotations

import time

import anyio
from starlette.types import Message, Receive

BODY_BYTES = 256 * 1024
# A form is small: only a client that holds a connection open takes this long.
BODY_SECONDS = 20.0


class BodyError(Exception):
    """A request's body exceeds a limit, with the status and message of the response."""

    status = 400
    message = "The request is invalid."


class TooLarge(BodyError):
    """A body of too many bytes."""

    status = 413
    message = "The request is too large."


class TooSlow(BodyError):
    """A body that did not end in time."""

    status = 408
    message = "The request took too long."


def bounded(receive: Receive, limit: int, seconds: float) -> Receive:
    """Limit how much of a body is read, and for how long: a chunked body declares no length.

    Waiting for the client to disconnect, after the body, takes as long as the response does.
    """
    size, ended = 0, False
    deadline = time.monotonic() + seconds

    async def counted() -> Message:
        nonlocal size, ended
        if ended:
            return await receive()
        message = await _within(receive, deadline)
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if size > limit:
                raise TooLarge
        return message

    return counted


async def _within(receive: Receive, deadline: float) -> Message:
    try:
        with anyio.fail_after(max(0.0, deadline - time.monotonic())):
            return await receive()
    except TimeoutError:
        raise TooSlow from None


async def read_body(receive: Receive, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """Return a whole body.

    Raises:
        TooLarge, TooSlow: It exceeds a limit.
    """
    following = bounded(receive, limit, seconds)
    body = bytearray()
    while True:
        message = await following()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
