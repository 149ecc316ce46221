"""The protocol of a catalog: what one provider holds in images or snapshots.

A provider whose machines need neither has no catalog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from os2cli.core.models import MachineType, Snapshot, SnapshotResources, SnapshotState
from os2cli.snapshots.building import SnapshotStore
from os2cli.snapshots.contents import Contents


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """An image or a snapshot created by os2.

    ``stage`` is None for an image. ``untagged``: an image whose tag moved to a newer one; its
    ``name`` is the beginning of its id. ``left_over``: a name that an interrupted push left, or
    ``is_base``: a base that os2 made, which no image needs.
    ``snapshot`` is the item in its store; ``repository`` the id of the one it was built from,
    ``base`` the digest of its base image.
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
    left_over: bool = False
    is_base: bool = False
    repository: str | None = None
    base: str | None = None
    snapshot: Snapshot | None = None


class Catalog(Protocol):
    """The images or snapshots created by os2; all others are neither listed nor removed.

    ``store`` builds, activates and follows the items; None for a catalog of images.
    """

    type: MachineType

    @property
    def store(self) -> SnapshotStore | None:
        """The store of items that are built asynchronously."""
        ...

    def could_contain(self, name: str) -> bool:
        """Return whether an item can have that name, without a request."""
        ...

    def list(self, stage: str | None = None) -> list[CatalogItem]:
        """List the items of a stage, or all of them, newest first."""
        ...

    def get(self, name: str) -> CatalogItem:
        """Return an item by name or id.

        Raises:
            Conflict: the item was not created by os2 (``not_ours``).
            NotFound: there is no item of that name.
            UsageError: no item of os2 can have that name.
        """
        ...

    def users(self, items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
        """Return the machines created from each item, by item id, also stopped ones.

        Machines that os2 did not create count: they also need the item.
        """
        ...

    def remove(
        self, item: CatalogItem, *, force: bool = False, within: float | None = None
    ) -> bool:
        """Remove an item and verify that it is gone; return False if it was gone already.

        ``force`` removes it even if it is in use. ``within`` is the timeout in seconds, else the
        provider's own; raises ``TimedOut``.
        """
        ...

    def remove_left(self) -> None:
        """Remove what killed processes left beside the items; ignore problems."""
        ...

    def contents(self, item: CatalogItem) -> Contents | None:
        """Return what an item holds; None if that is not known."""
        ...

    def log(self, name: str) -> Iterator[str]:
        """Yield the lines of its build log so far; raise ``NotFound`` if there is no log."""
        ...
