"""The lines of ``--progress json``, on stderr."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

Event = Literal[
    "phase_started",
    "phase_finished",
    "status",
    "transfer",
    "log",
    "notice",
    "warning",
    "heartbeat",
    "note",
    "stopped",
    "error",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """One line of ``--progress json``; fields that an event does not use are left out.

    ``done`` and ``total`` are bytes for ``transfer`` and steps for ``status``; ``ok`` is false when
    the phase failed; ``seconds`` is how long it has lasted. ``error`` is the last line of a command
    that failed, and holds what the error document does.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    time: datetime
    event: Event
    phase: str | None = None
    message: str | None = None
    seconds: float | None = None
    ok: bool | None = None
    done: int | None = None
    total: int | None = None
    hint: str | None = None
    exit_code: int | None = None
    code: str | None = None
    details: dict[str, Any] | None = None
    log_tail: list[str] | None = None
