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
    """The automatic fixes that a remedy or ``os2 doctor --fix NAME`` may name."""

    START_ENGINE = "start-engine"
    TCP_API = "tcp-api"
    TCP_API_OFF = "tcp-api-off"

    @property
    def by_name(self) -> bool:
        """Whether it runs only when it is named: plain ``--fix`` leaves the TCP API as it is."""
        return self is not FixId.START_ENGINE


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
