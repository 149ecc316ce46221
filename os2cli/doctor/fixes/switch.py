"""Turning the TCP API on or off: what its fixes for all products have in common."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from os2cli.core.errors import OperationFailed
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.findings import FixId

RISK = (
    "through the TCP API every user of this host, and every page in a browser on it, "
    "becomes root without a password"
)


class Switch(Enum):
    """Which way."""

    ON = FixId.TCP_API
    OFF = FixId.TCP_API_OFF

    @property
    def on(self) -> bool:
        """Whether the TCP API will be on."""
        return self is Switch.ON

    def fix(self, product: str, actions: tuple[str, ...], apply: Callable[[Progress], None]) -> Fix:
        """Return the fix for a product, which states the risk before it turns the API on."""
        title = f"turn {product}'s TCP API {'on' if self.on else 'off'}"
        return Fix(self.value, title, actions, apply, risk=RISK if self.on else "")


def opened_elsewhere(where: str, url: str) -> OperationFailed:
    """Return the error for an API that stays on because ``where`` is not what opens it."""
    return OperationFailed(
        f"{where} does not open {url}: another setting or program does",
        hint=f"find the program that listens: lsof -nP -iTCP:{url.rpartition(':')[2]} -sTCP:LISTEN",
        code="tcp_api_elsewhere",
    )
