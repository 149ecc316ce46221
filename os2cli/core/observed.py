"""What an operation has really begun to change, by type of machine.

Use cases say it where the change begins, and whoever runs them may watch. Each thread watches on
its own, so that a server can run several operations at once; where nobody watches, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from os2cli.core.models import MachineType

_TYPES: ContextVar[set[MachineType] | None] = ContextVar("touched types", default=None)


def record_change(*types: MachineType) -> None:
    """Say that machines of these types, or what they are made from, are being changed now."""
    if (watched := _TYPES.get()) is not None:
        watched.update(types)


@contextmanager
def recording() -> Iterator[set[MachineType]]:
    """The types that are touched in this thread while inside."""
    types: set[MachineType] = set()
    token = _TYPES.set(types)
    try:
        yield types
    finally:
        _TYPES.reset(token)
