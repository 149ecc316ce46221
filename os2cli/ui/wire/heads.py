"""The heads of requests, without the cookies of other programs.

A parser of HTTP rejects a head for one odd byte in a cookie that another program on this host
stored, and one of WebSockets for 8192 bytes of them. They get no cookie but ours.
"""

from __future__ import annotations

import re

from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.wire.limits import MAX_HEAD_BYTES, MAX_OWN_HEAD_BYTES

# As h11 finds it.
_END = re.compile(rb"\n\r?\n")
_COOKIE = b"cookie:"


class HeadTooLarge(Exception):
    """A request's head exceeds its limit."""


class Head:
    """The head of one request, as it arrives."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._received = bytearray()

    def __len__(self) -> int:
        return len(self._received)

    def add(self, data: bytes) -> bytes | None:
        """Return the head and what follows it; None while its end is missing.

        Raises:
            HeadTooLarge: It is, with or without cookies.
        """
        start = max(0, len(self._received) - 2)
        self._received += data
        end = _END.search(self._received, start)
        if end is None:
            if len(self._received) > MAX_HEAD_BYTES:
                raise HeadTooLarge
            return None
        head = without_foreign_cookies(bytes(self._received[: end.end()]), self._credentials)
        rest = bytes(self._received[end.end() :])
        self._received.clear()
        if len(head) > MAX_OWN_HEAD_BYTES:
            raise HeadTooLarge
        return head + rest


def without_foreign_cookies(head: bytes, credentials: Credentials) -> bytes:
    """Return the head of a request with no cookie but that of the session, if it has that one."""
    cookies: list[bytes] = []
    others: list[bytes] = []
    into = others
    for line in head.split(b"\n"):
        # A line that starts with a space continues the one before (RFC 9112, 5.2).
        if not line.startswith((b" ", b"\t")):
            into = cookies if line[: len(_COOKIE)].lower() == _COOKIE else others
        into.append(line)
    if credentials.are_in((b"cookie", line[len(_COOKIE) :]) for line in cookies):
        others.insert(1, f"cookie: {credentials.cookie}={credentials.session}\r".encode())
    return b"\n".join(others)
