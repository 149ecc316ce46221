"""Our cookie among those of other programs: a host's cookies are shared by all of its ports.

A parser of whole headers gives up at what other programs store: JSON, a name without a value, bytes
that are not ASCII. Here only pairs with our name are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

PREFIX = "os2_ui_"
# A proxy may join several headers with commas, which our values have not.
_SEPARATOR = re.compile(rb"[;,]")


def cookie_values(headers: Iterable[tuple[bytes, bytes]], name: str) -> Iterator[bytes]:
    """Yield every value under a name: one with a longer path comes before ours."""
    wanted = name.encode()
    for pair in _pairs(value for header, value in headers if header.lower() == b"cookie"):
        found, _, value = pair.partition(b"=")
        if found.strip() == wanted:
            yield value.strip().strip(b'"')


def _pairs(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        yield from (pair.strip() for pair in _SEPARATOR.split(value))
