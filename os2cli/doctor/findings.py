"""The findings of the checks, and their remedies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The severity of a finding; only ``PROBLEM`` makes ``os2 doctor`` exit 1."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class FixId(StrEnum):
    """The automatic fixes that a remedy may name; ``plan_fixes`` plans them."""

    START_ENGINE = "start-engine"
    TCP_API_ENGINE = "tcp-api-engine"
    TCP_API_ORBSTACK = "tcp-api-orbstack"
    TCP_API_DESKTOP = "tcp-api-desktop"

    @property
    def needs_root(self) -> bool:
        """Whether it changes files or services of the system."""
        return self in (FixId.START_ENGINE, FixId.TCP_API_ENGINE)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A remedy: a sentence, commands to paste, and a fix that os2 can run."""

    text: str
    commands: tuple[str, ...] = ()
    fix: FixId | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: ``what`` it found, and ``why`` that is or matters."""

    check: str
    status: Status
    what: str
    why: str | None = None
    remedy: Remedy | None = None
