"""What a check found, and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad a finding is; only ``PROBLEM`` makes ``os2 doctor`` exit 1."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class FixId(StrEnum):
    """The automatic fixes that a remedy may name; ``fixes.plan_fixes`` knows how."""

    START_ENGINE = "start-engine"
    TCP_API_ENGINE = "tcp-api-engine"
    TCP_API_ORBSTACK = "tcp-api-orbstack"
    TCP_API_DESKTOP = "tcp-api-desktop"

    @property
    def needs_root(self) -> bool:
        """Whether it changes what belongs to the system."""
        return self in (FixId.START_ENGINE, FixId.TCP_API_ENGINE)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What helps: in words, as commands to paste, and as a fix that os2 can run by itself."""

    text: str
    commands: tuple[str, ...] = ()
    fix: FixId | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one check: ``what`` is the case, ``why`` it is so or matters."""

    check: str
    status: Status
    what: str
    why: str | None = None
    remedy: Remedy | None = None
