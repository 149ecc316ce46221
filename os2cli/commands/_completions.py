"""Shell completion; a provider that does not answer offers nothing."""

from __future__ import annotations

from contextlib import suppress

import typer

from os2cli.core.errors import Os2Error
from os2cli.providers.entry import entries
from os2cli.settings.invocation import Invocation


def complete_stage(incomplete: str) -> list[str]:
    """The stages that begin so: the one that is set here, and those that everybody has."""
    from os2cli.core.stage import resolve_stage
    from os2cli.settings.settings import load_settings

    known = ["dev", "stg", "prd"]
    with suppress(Os2Error):
        known.insert(0, resolve_stage(load_settings(None).variables).name)
    return [stage for stage in dict.fromkeys(known) if stage.startswith(incomplete)]


def complete_type(incomplete: str) -> list[str]:
    """The types of machines that begin so."""
    return [type_ for type_ in entries() if type_.startswith(incomplete)]


def complete_machine(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of machines that begin with ``incomplete``."""
    from os2cli.app.session import Session

    ctx.obj = ctx.obj or Invocation()
    try:
        names = Session.start(ctx).machine_names()
    except Os2Error:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_snapshot(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of images and snapshots that begin with ``incomplete``."""
    from os2cli.app.session import Session

    ctx.obj = ctx.obj or Invocation()
    try:
        names = Session.start(ctx).snapshot_names()
    except Os2Error:
        return []
    return [name for name in names if name.startswith(incomplete)]
