"""The entry of Daytona's machines and snapshots."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from os2cli.core.models import DAYTONA
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry

if TYPE_CHECKING:
    from os2cli.providers.daytona.adapters import DaytonaAdapters


@cache
def adapters(context: ProviderContext) -> DaytonaAdapters:
    """Return what os2 does on Daytona, with one connection for a context."""
    # Every command loads this module, few need the API.
    from os2cli.providers.daytona.adapters import DaytonaAdapters

    return DaytonaAdapters(context)


ENTRY = ProviderEntry(
    type=DAYTONA,
    material=Material.PUBLISHED_SNAPSHOT,
    machines=lambda context, stage: adapters(context).machines(stage),
    catalog=lambda context: adapters(context).catalog(),
    shared=True,
    set_up=lambda context: context.daytona.configured,
)
