"""The faults that one call can meet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from tests.faults.proxy import Behaviour, Exchange, reset, until_left

_HTML = (
    b"<html><head><title>502 Bad Gateway</title></head><body>\x1b]0;owned\x07nginx</body></html>"
)
_STATUSES = (400, 401, 403, 404, 409, 429, 500, 502, 503, 504)
_DEEP = b"[" * 100_000 + b"]" * 100_000
_SHAPES: Mapping[str, bytes] = {
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "text": b'"text"',
    "number": b"7",
    "list of null": b"[null]",
    "list of lists": b"[[]]",
    "wrong fields": b'{"Id": 7, "id": [], "State": "x", "Config": 3, "items": {}, "name": {}}',
    "list of wrong fields": b'[{"Id": 7, "id": [], "State": "x", "Names": 3, "name": {}}]',
    "deep": _DEEP,
    "empty": b"",
    "half": b'{"Id": "1',
    "not UTF-8": b'{"Id": "\xff\xfe", "id": "\xff"}',
}
# As slow as a server can be without looking dead to a timeout for each read.
_DRIP_SECONDS = 0.5


def _response(status: int, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} Answer\r\nContent-Type: {kind}\r\n{more}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _says(answer: bytes) -> Behaviour:
    return lambda call: call.client.sendall(answer)


def _reset_before(call: Exchange) -> None:
    reset(call.client)


def _reset_after(call: Exchange) -> None:
    call.answer()
    reset(call.client)


def _lost_answer(call: Exchange) -> None:
    call.answer()


def _hang(call: Exchange) -> None:
    until_left(call.client)


def _hang_after(call: Exchange) -> None:
    call.answer()
    until_left(call.client)


def _drip(call: Exchange, data: bytes) -> None:
    with suppress(OSError):
        for byte in data:
            call.client.sendall(bytes((byte,)))
            time.sleep(_DRIP_SECONDS)  # the server's pace


def _drip_head(call: Exchange) -> None:
    _drip(call, call.answer() + b" " * 1000)


def _drip_body(call: Exchange) -> None:
    head, _, body = call.answer().partition(b"\r\n\r\n")
    call.client.sendall(head + b"\r\n\r\n")
    _drip(call, body + b" " * 1000)


def _truncated(call: Exchange) -> None:
    answer = call.answer()
    head, _, body = answer.partition(b"\r\n\r\n")
    call.client.sendall(head + b"\r\n\r\n" + body[: len(body) // 2])


def _redirect(call: Exchange) -> None:
    call.client.sendall(_response(307, b"", more=f"Location: {call.origin}/elsewhere\r\n"))


def _huge(call: Exchange) -> None:
    size = 64 * 1024 * 1024
    call.client.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        + f'Content-Length: {size + 2}\r\nConnection: close\r\n\r\n"'.encode()
    )
    for _ in range(64):
        call.client.sendall(b"x" * (1024 * 1024))
    call.client.sendall(b'"')


def _refuse(call: Exchange) -> None:
    call.close()
    reset(call.client)


# What a service does that is down: for all calls from one on.
OUTAGES: Mapping[str, Behaviour] = {
    "refused from then on": _refuse,
    "hang from then on": _hang,
    "status 503 from then on": _says(_response(503, b'{"message": "no today"}')),
}

FAULTS: Mapping[str, Behaviour] = {
    **OUTAGES,
    "reset before": _reset_before,
    "reset after": _reset_after,
    "lost answer": _lost_answer,
    "hang before": _hang,
    "hang after": _hang_after,
    "drip head": _drip_head,
    "drip body": _drip_body,
    "truncated": _truncated,
    "redirect": _redirect,
    "huge": _huge,
    "garbage": _says(b"\x00\xff\x1b[2J nonsense\r\n\r\n" * 20),
    "HTML": _says(_response(200, _HTML, "text/html")),
    "HTML 502": _says(_response(502, _HTML, "text/html")),
    **{
        f"status {status}": _says(_response(status, b'{"message": "no \\u001b[31mtoday"}'))
        for status in _STATUSES
    },
    **{f"shape {name}": _says(_response(200, json_)) for name, json_ in _SHAPES.items()},
}

# Answers that the API itself may give: there is nothing, and it is gone.
VALID = frozenset({"shape list", "status 404"})
