"""The entry of Daytona's machines and snapshots."""

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
    """Return the API's client, which has not connected yet."""
    # Here, as in the functions below: every start imports this module.
    from os2cli.providers.daytona.api.client import DaytonaClient

    return DaytonaClient(context.daytona)


def machines(context: ProviderContext, stage: str | None) -> MachineProvider:
    """Return the provider for the machines of a stage; None lists all and finds no names."""
    from os2cli.providers.daytona.machines.machines import DaytonaMachines

    return DaytonaMachines(client(context), stage, context.state_dir / "daytona")


def catalog(context: ProviderContext) -> Catalog:
    """Return the snapshots that os2 published."""
    from os2cli.providers.daytona.snapshots.catalog import DaytonaCatalog

    return DaytonaCatalog(client(context))


ENTRY = ProviderEntry(
    type=DAYTONA,
    material=Material.PUBLISHED_SNAPSHOT,
    options=frozenset(
        {"--public", "--auto-stop", "--auto-archive", "--auto-delete", "--no-cache", "--snapshot"}
    ),
    machines=machines,
    catalog=catalog,
    shared=True,
    set_up=lambda context: context.daytona.configured,
)
