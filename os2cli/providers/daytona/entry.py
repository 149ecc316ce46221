"""Machines on Daytona: what the command line needs to know of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from os2cli.core.models import DAYTONA
from os2cli.machines.provider import MachineProvider
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry
from os2cli.snapshots.catalog import Catalog

if TYPE_CHECKING:
    from os2cli.providers.daytona.api.client import DaytonaClient


@cache
def client(context: ProviderContext) -> DaytonaClient:
    """The API, not contacted yet."""
    from os2cli.providers.daytona.api.client import DaytonaClient

    return DaytonaClient(context.daytona)


def machines(context: ProviderContext, stage: str | None) -> MachineProvider:
    """The provider for the machines of a stage; None lists all and knows no names."""
    from os2cli.providers.daytona.machines.machines import DaytonaMachines

    return DaytonaMachines(client(context), stage, context.state_dir / "daytona")


def catalog(context: ProviderContext) -> Catalog:
    """The snapshots that os2 published."""
    from os2cli.providers.daytona.snapshots.catalog import DaytonaCatalog

    return DaytonaCatalog(client(context))


ENTRY = ProviderEntry(
    type=DAYTONA,
    material=Material.PUBLISHED_SNAPSHOT,
    machines=machines,
    catalog=catalog,
    shared=True,
    set_up=lambda context: context.daytona.configured,
)
