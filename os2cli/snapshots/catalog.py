"""What a provider keeps machines to be made from, in one shape: local images, published snapshots.

A provider whose machines are made from neither has no catalog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from os2cli.core.models import MachineType, Snapshot, SnapshotResources, SnapshotState
from os2cli.snapshots.building import SnapshotStore


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """An image or a snapshot that os2 made.

    ``stage`` is None for what belongs to none. ``untagged``: an image that lost its name to a newer
    one; its ``name`` is the beginning of its id. ``snapshot`` is what its store knows it as.
    """

    id: str
    name: str
    type: MachineType
    state: SnapshotState
    created: datetime
    stage: str | None = None
    size_bytes: int | None = None
    resources: SnapshotResources | None = None
    key: str | None = None
    reason: str | None = None
    untagged: bool = False
    snapshot: Snapshot | None = None


class Catalog(Protocol):
    """What os2 made there; everything else is neither listed nor removed.

    ``store`` is where its items are built, activated and followed; None when they are there or not.
    """

    type: MachineType

    @property
    def store(self) -> SnapshotStore | None:
        """Where items come to be while one waits."""
        ...

    def could_contain(self, name: str) -> bool:
        """Whether an item here can have that name; nobody is asked."""
        ...

    def list(self, stage: str | None = None) -> list[CatalogItem]:
        """Every item of a stage, or of all and of none, newest first."""
        ...

    def get(self, name: str) -> CatalogItem:
        """One item by its name or id.

        Raises:
            Conflict: something has that name which os2 did not make (``not_ours``).
            NotFound: there is nothing of that name.
            UsageError: nothing that os2 makes here can have that name.
        """
        ...

    def users(self, items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
        """The machines that were made from each of these, by the item's id; stopped ones, too.

        What os2 did not make counts like any other: it needs the item as much.
        """
        ...

    def remove(
        self, item: CatalogItem, *, force: bool = False, within: float | None = None
    ) -> bool:
        """Remove an item and verify that it is gone; False when it was gone already.

        ``force`` also when it is in use. ``within`` is the time for that in seconds, else the
        provider's own; raises ``TimedOut``.
        """
        ...

    def log(self, name: str) -> Iterator[str]:
        """The lines that its build has written so far; raises ``NotFound`` when none are kept."""
        ...
