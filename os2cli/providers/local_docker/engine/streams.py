"""Streamed answers: events of builds, pulls and pushes, and the frames of a log.

An engine may stay silent for as long as it likes, but what it has started to send it sends at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import requests
from docker.errors import DockerException
from urllib3.exceptions import HTTPError

from os2cli.core.deadline import within
from os2cli.core.json_text import parse_json
from os2cli.providers.local_docker.engine.answers import InvalidAnswer
from os2cli.providers.local_docker.engine.failures import ConnectionLost

CHUNK_BYTES = 64 * 2**10
CHUNK_SECONDS = 20.0
MAX_EVENT_BYTES = 4 * 2**20
# The stream's number, and the length of what follows; see "Stream format" of the Engine API.
_HEAD_BYTES = 8


def events(response: requests.Response) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a stream: one JSON object in each line.

    Raises:
        InvalidAnswer: a line is not one, or longer than ``MAX_EVENT_BYTES``.
        ConnectionLost: there was none.
    """
    count = 0
    with closing(response):
        for line in filter(bytes.strip, _lines(_parts(response))):
            count += 1
            yield _event(line)
    if not count:
        raise ConnectionLost("the stream ended before its first event")


def frames(response: requests.Response) -> Iterator[bytes]:
    """Yield the data of a log's frames as it arrives.

    Raises:
        ConnectionLost: the stream ended early, which the SDK would take for its end.
    """
    received, left = bytearray(), 0
    with lost_is_an_error(), closing(response):
        for part in _parts(response):
            received += part
            while received:
                if left:
                    data = bytes(received[:left])
                    del received[:left]
                    left -= len(data)
                    yield data
                elif len(received) < _HEAD_BYTES:
                    break
                else:
                    left = int.from_bytes(received[4:_HEAD_BYTES], "big")
                    del received[:_HEAD_BYTES]
    if left or received:
        raise ConnectionLost("the stream ended within a frame")


@contextmanager
def lost_is_an_error() -> Iterator[None]:
    """Raise ``ConnectionLost`` for errors that the SDK takes for the end of a stream."""
    try:
        yield
    except DockerException:
        raise
    except (HTTPError, OSError) as error:
        raise ConnectionLost(str(error)) from error


def _event(line: bytes) -> Mapping[str, Any]:
    try:
        event = parse_json(line)
    except ValueError:
        raise InvalidAnswer("an event is not JSON") from None
    if not isinstance(event, Mapping):
        raise InvalidAnswer("an event is not an object")
    return event


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    rest = bytearray()
    for part in parts:
        # Only what is new is searched and copied: a part may be a single byte.
        first, *others = part.split(b"\n")
        rest += first
        for other in others:
            yield bytes(rest)
            rest = bytearray(other)
        if len(rest) > MAX_EVENT_BYTES:
            raise InvalidAnswer(f"an event is larger than {MAX_EVENT_BYTES / 2**20:g} MB")
    yield bytes(rest)


def _parts(response: requests.Response) -> Iterator[bytes]:
    """Yield what arrives; waiting for the first byte of each part has no deadline of its own."""
    # http.client's response, to which neither library gives access.
    connection: Any = response.raw._fp
    if not connection.chunked:
        while part := connection.read1(CHUNK_BYTES):
            yield part
        return
    chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
    while connection.fp is not None:
        connection.fp.peek(1)
        with within(CHUNK_SECONDS):
            if (part := next(chunks, None)) is None:
                return
        yield part
