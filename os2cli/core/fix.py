"""One fix: what it does in words, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from os2cli.core.progress import Progress


@dataclass(frozen=True, slots=True)
class Fix:
    """``actions`` are shown before ``apply``, which is idempotent and raises ``Os2Error``.

    ``apply`` opens no phase; the caller does, with ``title``. ``risk`` is what the user must know
    before the fix.
    """

    id: str
    title: str
    actions: tuple[str, ...]
    apply: Callable[[Progress], None]
    risk: str = ""
