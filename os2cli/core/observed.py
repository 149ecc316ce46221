"""What operations leave for analytics to see: what they began to change, and whose keys they used.

Use cases record it, and their callers may read it. No provider is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.models import MachineType

# Each thread records on its own, so that a server can run several operations at once; without
# ``recording`` around it, nothing is kept.
_TYPES: ContextVar[set[MachineType] | None] = ContextVar("changed types", default=None)
_USERS: dict[str, str] = {}


def record_change(*types: MachineType) -> None:
    """Record that machines of these types, or what they are made from, are being changed now."""
    if (recorded := _TYPES.get()) is not None:
        recorded.update(types)


@contextmanager
def recording() -> Iterator[set[MachineType]]:
    """Collect the types that are changed in this thread inside the block."""
    types: set[MachineType] = set()
    token = _TYPES.set(types)
    try:
        yield types
    finally:
        _TYPES.reset(token)


def record_user(access: DaytonaAccess, user_id: str) -> None:
    """Record the internal id of the user whose key this is, as an answer of Daytona named it."""
    _USERS[access.fingerprint] = user_id


def recorded_user(access: DaytonaAccess) -> str | None:
    """Return the internal id of that user, or None if no answer in this process named it."""
    return _USERS.get(access.fingerprint)
