"""Our cookie among those of other programs: a host's cookies are shared by all of its ports.

A parser of whole headers gives up at what other programs store: JSON, a name without a value, bytes
that are not ASCII. Here only pairs with our name are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

PREFIX = "os2_ui_"
_OURS = re.compile(rb"%s\d+[ \t]*=[ \t]*\"?[\w-]+\"?" % PREFIX.encode(), re.ASCII)
# A proxy may join several headers with commas, which our values have not.
_SEPARATOR = re.compile(rb"[;,]")


def cookie_values(headers: Iterable[tuple[bytes, bytes]], name: str) -> Iterator[bytes]:
    """Yield every value under a name: one with a longer path comes before ours."""
    wanted = name.encode()
    for pair in _pairs(value for header, value in headers if header.lower() == b"cookie"):
        found, _, value = pair.partition(b"=")
        if found.strip() == wanted:
            yield value.strip().strip(b'"')


def without_foreign_cookies(head: bytes) -> bytes:
    """Return the head of a request with no cookies but those of ``os2 ui``."""
    lines = head.split(b"\r\n")
    cookies = [line[7:] for line in lines if line[:7].lower() == b"cookie:"]
    ours = dict.fromkeys(pair for pair in _pairs(cookies) if _OURS.fullmatch(pair))
    others = [line for line in lines if line[:7].lower() != b"cookie:"]
    if ours:
        others.insert(1, b"cookie: " + b"; ".join(ours))
    return b"\r\n".join(others)


def _pairs(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        yield from (pair.strip() for pair in _SEPARATOR.split(value))
