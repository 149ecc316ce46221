"""One deadline for a whole operation, however many reads it takes.

::

    with within(5):
        ...   # every read of this thread's HTTP connections ends by then

Deadlines nest: an inner one never outlasts an outer one. A thread has none unless it runs in a copy
of the context.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# On the monotonic clock.
_ENDS: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Give everything inside the block ``seconds`` together; None changes nothing."""
    ends = _ENDS.get()
    if seconds is not None:
        own = time.monotonic() + seconds
        ends = own if ends is None else min(own, ends)
    token = _ENDS.set(ends)
    try:
        yield
    finally:
        _ENDS.reset(token)


@contextmanager
def apart(seconds: float) -> Iterator[None]:
    """Give the block ``seconds`` of its own, also when the deadline around it has passed.

    For what tidies up, and for what explains why there was not enough time.
    """
    token = _ENDS.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS.reset(token)


def seconds_left() -> float | None:
    """Return the seconds to this context's deadline, at least 0, or None if it has none."""
    ends = _ENDS.get()
    return None if ends is None else max(ends - time.monotonic(), 0.0)


def at_most(seconds: float | None) -> float | None:
    """Return ``seconds``, or what is left of the deadline if that is less."""
    left = seconds_left()
    if left is None or seconds is None:
        return seconds if left is None else left
    return min(seconds, left)
