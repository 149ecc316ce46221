"""What lists leave out because it cannot be read: with a warning, and known to who needs all of it.

A command that shows a list goes on without it. One that changes all it finds has not seen all, and
must not end as if it had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from os2cli.core.notices import NOTICES

_MAX_NAME_LENGTH = 100
_THINGS: ContextVar[list[str] | None] = ContextVar("left out", default=None)


@contextmanager
def left_out() -> Iterator[list[str]]:
    """Collect what is left out inside the block; a block around it does not get that as well."""
    things: list[str] = []
    token = _THINGS.set(things)
    try:
        yield things
    finally:
        _THINGS.reset(token)


def leave_out(thing: str, why: str, hint: str | None = None) -> None:
    """Warn that a list is without ``thing``, and record it."""
    NOTICES.warn(f"{thing} is not listed: {why}", hint)
    record_left_out(thing)


def record_left_out(thing: str) -> None:
    """Record what a list is without, where another message says why."""
    if (things := _THINGS.get()) is not None and thing not in things:
        things.append(thing)


def readable_name(item: Any, *keys: str) -> str | None:
    """Return the first text that an item has at one of ``keys``: of what is there, its name."""
    for key in keys if isinstance(item, Mapping) else ():
        value = item.get(key)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and value.strip("/ "):
            return value.strip("/ ")[:_MAX_NAME_LENGTH]
    return None
