"""The document of ``ui``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from os2cli.output.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDocument(Document):
    """The address of the web UI; ``url`` contains its token and is a secret."""

    url: str
    port: int

    @classmethod
    def of(cls, url: str) -> PageDocument:
        """Describe an address."""
        return cls(url=url, port=urlsplit(url).port or 0)
