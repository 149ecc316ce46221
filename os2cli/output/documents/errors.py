"""The document of a failure, which every command prints with ``--json``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from os2cli.output.documents.document import Document


class ErrorBody(BaseModel):
    """What failed: ``code`` is stable, ``details`` depends on it."""

    code: str
    message: str
    hint: str | None
    details: dict[str, Any]


class ErrorDocument(Document):
    """A failure; ``output.error_document`` writes it without pydantic, which is slow to import."""

    error: ErrorBody
