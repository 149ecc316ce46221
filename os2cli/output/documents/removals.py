"""The document of ``machine rm`` and ``snapshot rm``."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import RootModel

from os2cli.core.models import Removal
from os2cli.output.documents.document import Document


class RemovalItem(Document):
    """What became of one machine or snapshot: ``removed``, ``missing`` or ``failed``."""

    name: str
    outcome: str
    message: str | None = None

    @classmethod
    def of(cls, removal: Removal) -> RemovalItem:
        """The document of a removal."""
        message = removal.error.message if removal.error else None
        return cls(name=removal.name, outcome=removal.outcome, message=message)


class RemovalList(RootModel[list[RemovalItem]]):
    """One item for each name, in the order they were given."""

    @classmethod
    def of(cls, removals: Iterable[Removal]) -> RemovalList:
        """The document of removals."""
        return cls([RemovalItem.of(removal) for removal in removals])
