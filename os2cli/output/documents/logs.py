"""The document of ``logs``."""

from __future__ import annotations

from os2cli.output.documents.document import Document


class LogDocument(Document):
    """``machine logs`` and ``snapshot logs``; ``service`` None: the machine's own, or a build's."""

    name: str
    service: str | None
    lines: list[str]
