"""Shell completion; a provider that does not answer offers nothing."""

from __future__ import annotations

import typer

from os2cli.app.session import Session
from os2cli.core.errors import Os2Error
from os2cli.machines.fleet import fleet_names
from os2cli.settings.invocation import Invocation
from os2cli.snapshots.inventory import inventory_names


def complete_machine(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of machines that begin with ``incomplete``."""
    ctx.obj = ctx.obj or Invocation()
    try:
        names = fleet_names(Session.start(ctx).providers.fleet(None))
    except Os2Error:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_snapshot(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of images and snapshots that begin with ``incomplete``."""
    ctx.obj = ctx.obj or Invocation()
    try:
        names = inventory_names(Session.start(ctx).providers.catalogs(None))
    except Os2Error:
        return []
    return [name for name in names if name.startswith(incomplete)]
