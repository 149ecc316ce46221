"""The document of ``logs``."""

from __future__ import annotations

from os2cli.documents.document import Document


class LogDocument(Document):
    """``machine logs`` and ``snapshot logs``; ``source`` is the service, None: all of it."""

    source: str | None
    lines: list[str]
