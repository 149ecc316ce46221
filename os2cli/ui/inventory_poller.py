"""What machines are made from, on all providers; kept for a moment, since several pages ask."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from os2cli.snapshots.inventory import InventoryListing, list_inventory, only
from os2cli.ui.page_context import PageContext

FRESH_SECONDS = 3.0


@dataclass
class InventoryPoller:
    """Asks for the shelf when somebody looks and what is known is old."""

    context: PageContext
    _listing: InventoryListing | None = None
    _asked: float = -1e9
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listing(self, *, all_stages: bool = False) -> InventoryListing:
        """Images and the stage's snapshots; raises when no provider answers."""
        session = self.context.session()
        with self._lock:
            if self._listing is None or time.monotonic() - self._asked >= FRESH_SECONDS:
                self._listing = list_inventory(session.providers.catalogs(None))
                self._asked = time.monotonic()
            listing = self._listing
        stage = None if all_stages else self.context.stage_of(session)
        return only(listing, stage=stage, state=None)

    def invalidate(self) -> None:
        """Something was done: what is known is old."""
        self._asked = -1e9
