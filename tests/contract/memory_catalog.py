"""A catalog in memory."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from os2cli.core.errors import Conflict, NotFound, Os2Error, UsageError
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.snapshots.catalog import CatalogItem
from os2cli.snapshots.contents import Contents

if TYPE_CHECKING:
    from os2cli.snapshots.building import SnapshotStore


@dataclass
class MemoryCatalog:
    """Items in memory; ``unreachable`` is why it does not answer, ``foreign`` are others' names."""

    type: MachineType = LOCAL_DOCKER
    items: list[CatalogItem] = field(default_factory=list)
    used_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unreachable: Os2Error | None = None
    stubborn: dict[str, Os2Error] = field(default_factory=dict)
    only_names: tuple[str, ...] | None = None
    store: SnapshotStore | None = None

    def could_contain(self, name: str) -> bool:
        """Whether an item can have that name."""
        return self.only_names is None or name.startswith(self.only_names)

    def list(self, stage: str | None = None) -> builtins.list[CatalogItem]:
        """The items, newest first."""
        self._answer()
        found = [item for item in self.items if stage in (None, item.stage)]
        return sorted(found, key=lambda item: item.created, reverse=True)

    def get(self, name: str) -> CatalogItem:
        """One item."""
        if not self.could_contain(name):
            raise UsageError(f"{name} is no name", code="snapshot_name_invalid")
        self._answer()
        if name in self.foreign:
            raise Conflict(f"{name} is not ours", code="not_ours")
        for item in self.items:
            if name in (item.name, item.id):
                return item
        raise NotFound(f"there is no {name}", code="snapshot_not_found")

    def users(self, items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
        """Who uses them."""
        self._answer()
        return {i.id: self.used_by[i.id] for i in items if i.id in self.used_by}

    def remove(
        self, item: CatalogItem, *, force: bool = False, within: float | None = None
    ) -> bool:
        """Remove one."""
        del force, within
        self._answer()
        if item.name in self.stubborn:
            raise self.stubborn[item.name]
        if item not in self.items:
            return False
        self.items.remove(item)
        return True

    def remove_left(self) -> None:
        """Do nothing: what is left is an item."""

    def contents(self, item: CatalogItem) -> Contents | None:
        """Nothing is known."""
        del item
        return None

    def log(self, name: str) -> Iterator[str]:
        """The log of its build."""
        if name not in self.logs:
            raise NotFound(f"no log of {name}", code="log_not_found")
        return iter(self.logs[name])

    def _answer(self) -> None:
        if self.unreachable is not None:
            raise self.unreachable
