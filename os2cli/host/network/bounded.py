"""Requests whose whole answer has a size limit and one deadline."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx

from os2cli.core.deadline import within

# Below it, nothing but a server that hangs is left; a line may be slow at its start.
SLOWEST = 100
PATIENCE_SECONDS = 15.0


class AnswerTooLarge(httpx.HTTPError):
    """The answer is larger than the limit; the rest was not read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit / 1e6:g} MB")


def fetch(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    seconds: float | None,
    limit: int,
    **content: Any,
) -> httpx.Response:
    """Send a request and return its answer, read to the end.

    ``limit`` is in bytes of the decoded body. The client's transport has to keep to deadlines, as
    ``Transport`` does.

    Raises:
        AnswerTooLarge: the body is longer.
        httpx.HTTPError: any other failure; a timeout also when the answer as a whole takes longer
            than ``seconds``.
    """
    with within(seconds), client.stream(method, url, **content) as response:
        return read_whole(response, limit)


@contextmanager
def opened(
    client: httpx.Client, method: str, url: str, *, seconds: float | None, **content: Any
) -> Iterator[httpx.Response]:
    """Send a request and yield its answer, whose head arrived within ``seconds``.

    For a body that may take any time, such as a log that is followed.
    """
    with ExitStack() as open_answer:
        with within(seconds):
            response = open_answer.enter_context(client.stream(method, url, **content))
        yield response


def paced(
    response: httpx.Response, pieces: Iterator[bytes], seconds: float = math.inf
) -> Iterator[bytes]:
    """Yield the pieces of a streamed answer as they come, so long as they come at a pace.

    ``ReadTimeout`` after ``PATIENCE_SECONDS`` of less than ``SLOWEST`` bytes a second, and after
    ``seconds``. Unlike a deadline of the context, neither counts what the caller does meanwhile.
    """
    took, size = 0.0, 0
    while True:
        began = time.monotonic()
        piece = next(pieces, None)
        took += time.monotonic() - began
        if piece is None:
            return
        size += len(piece)
        if took > seconds or (took > PATIENCE_SECONDS and size < SLOWEST * took):
            raise httpx.ReadTimeout("timed out", request=response.request)
        yield piece


def read_whole(response: httpx.Response, limit: int) -> httpx.Response:
    """Read the rest of a streamed answer, as ``fetch`` does, and return a copy that has it."""
    body = bytearray()
    for chunk in paced(response, response.iter_bytes()):
        body += chunk
        if len(body) > limit:
            raise AnswerTooLarge(limit)
    return _copy(response, bytes(body))


def read_start(response: httpx.Response, limit: int, seconds: float) -> httpx.Response:
    """Return a copy of a streamed answer with the start of its body: what an error says.

    What comes after ``limit`` bytes or ``seconds`` is left out: the status matters more.
    """
    body = bytearray()
    with within(seconds), suppress(httpx.HTTPError):
        for chunk in response.iter_bytes():
            body += chunk[: limit - len(body)]
            if len(body) == limit:
                break
    return _copy(response, bytes(body))


def _copy(response: httpx.Response, body: bytes) -> httpx.Response:
    # The body is decoded; these headers would describe the encoded one.
    headers = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name not in ("content-encoding", "content-length", "transfer-encoding")
    ]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=body,
        request=response.request,
        extensions=response.extensions,
    )
