"""The regions there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.daytona_server.errors import not_found

if TYPE_CHECKING:
    from tests.daytona_server.state import World


def region(world: World, wanted: str | None) -> str:
    """Return the region of this name; without a name, the organisation's default."""
    name = (wanted or "").strip() or world.regions[0]
    if name not in world.regions:
        raise not_found("Region not found")
    return name
