"""The documents of failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from os2cli.core.errors import Os2Error
from os2cli.output.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """What failed: ``code`` is stable, ``details`` depends on it."""

    code: str
    message: str
    hint: str | None
    details: dict[str, Any]

    @classmethod
    def of(cls, error: Os2Error) -> ErrorBody:
        """Describe a failure."""
        return cls(code=error.code, message=error.message, hint=error.hint, details=error.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument(Document):
    """A failure, which every command prints with ``--json``."""

    error: ErrorBody

    @classmethod
    def of(cls, error: Os2Error) -> ErrorDocument:
        """Describe a failure."""
        return cls(error=ErrorBody.of(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDocument:
    """Why something did not answer."""

    code: str
    message: str
    hint: str | None

    @classmethod
    def of(cls, error: Os2Error) -> FailureDocument:
        """Describe a failure."""
        return cls(code=error.code, message=error.message, hint=error.hint)
