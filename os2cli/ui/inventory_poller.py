"""The images and snapshots of all providers, cached briefly since several pages poll."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from os2cli.snapshots.inventory import InventoryListing, list_inventory, only
from os2cli.ui.page_context import PageContext

FRESH_SECONDS = 3.0


@dataclass
class InventoryPoller:
    """Fetches the inventory on demand, if the cached one is outdated."""

    context: PageContext
    _listing: InventoryListing | None = None
    _requested: float = -1e9
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listing(self, *, all_stages: bool = False) -> InventoryListing:
        """Return images and the stage's snapshots; raises if no provider answers."""
        session = self.context.session()
        with self._lock:
            if self._listing is None or time.monotonic() - self._requested >= FRESH_SECONDS:
                self._listing = list_inventory(session.providers.catalogs(None))
                self._requested = time.monotonic()
            listing = self._listing
        stage = None if all_stages else self.context.stage_of(session)
        return only(listing, stage=stage, state=None)

    def invalidate(self) -> None:
        """Mark the inventory as outdated."""
        self._requested = -1e9
