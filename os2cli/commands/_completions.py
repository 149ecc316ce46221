"""Shell completion; a provider that does not answer offers nothing."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from os2cli.app.session import Session
from os2cli.core.errors import Os2Error
from os2cli.machines.fleet import fleet_names
from os2cli.settings.invocation import Invocation, ProgressMode
from os2cli.snapshots.inventory import inventory_names


def complete_machine(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of machines that begin with ``incomplete``."""
    try:
        names = fleet_names(_session(ctx).providers.fleet(None))
    except Os2Error:
        return []
    return _beginning_with(incomplete, names)


def complete_snapshot(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of images and snapshots that begin with ``incomplete``."""
    try:
        names = inventory_names(_session(ctx).providers.catalogs(None))
    except Os2Error:
        return []
    return _beginning_with(incomplete, names)


def _session(ctx: typer.Context) -> Session:
    """Return a session that warns of nothing: the line is still being typed."""
    ctx.obj = Invocation(progress=ProgressMode.NONE)
    return Session.start(ctx)


def _beginning_with(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return the names to offer: none that would be an option."""
    return [name for name in names if name.startswith(incomplete) and not name.startswith("-")]
