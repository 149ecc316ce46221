"""The one region there is."""

from __future__ import annotations

from tests.daytona_server.errors import not_found
from tests.daytona_server.records import REGION


def check_region(wanted: str | None) -> None:
    """Refuse another region than the one there is; without a name it is that one."""
    if (wanted or "").strip() not in ("", REGION):
        raise not_found("Region not found")
