"""Parts of a file, as Go's file server understands ``Range``."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*")

NOTHING = (0, 0)
"""The range begins past the end."""


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """Return the start and length that a header names in a file of this size; None for all of them.

    Of several ranges none is given: a client of the toolbox has no use for more than one.
    """
    found = _ONE.fullmatch(header)
    if found is None or not any(found.groups()):
        return None if "," in header else NOTHING
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, length) if length else NOTHING
    start = int(first)
    if start >= size or (last and int(last) < start):
        return NOTHING
    return start, min(int(last or size), size - 1) - start + 1
