"""Unary gRPC calls: what a service is, and how its messages are framed.

See "gRPC over HTTP/2" in gRPC's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from urllib.parse import quote

# From the bytes of a request to those of its answer; may raise ``CallFailed``.
Method = Callable[[bytes], bytes]
# By path, such as ``/grpc.health.v1.Health/Check``.
Methods = Mapping[str, Method]

MAX_REQUEST_BYTES = 16 * 2**10
# Whether the message is compressed, and its length.
_HEAD_BYTES = 5


class Code(IntEnum):
    """The status codes of gRPC that os2 sends."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13


class CallFailed(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def framed(message: bytes) -> bytes:
    """Return a message as it is sent."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def unframed(body: bytes) -> bytes:
    """Return the one message of a request.

    Raises:
        CallFailed: it is compressed, or not exactly one.
    """
    if body[:1] == b"\1":
        raise CallFailed(Code.UNIMPLEMENTED, "compressed messages are not supported")
    message = body[_HEAD_BYTES:]
    if len(body) < _HEAD_BYTES or int.from_bytes(body[1:_HEAD_BYTES], "big") != len(message):
        raise CallFailed(Code.INTERNAL, "the request is not one message")
    return message


def trailers(code: Code, message: str = "") -> list[tuple[str, str]]:
    """Return the headers that end an answer."""
    status = [("grpc-status", str(int(code)))]
    return [*status, ("grpc-message", quote(message, safe=" "))] if message else status
