"""Parts of the engine's answers of any shape: what is not as documented is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the object at ``path``, or an empty one."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return a list's items, or none."""
    return value if isinstance(value, list) else []


def number(value: Any, *path: str) -> int | None:
    """Return the number at ``path`` if it is at least 0."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and value >= 0 else None
