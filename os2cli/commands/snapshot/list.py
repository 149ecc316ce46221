"""``os2 snapshot list``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.left_out import left_out
from os2cli.core.models import SnapshotState
from os2cli.core.option_rules import reject_both
from os2cli.core.stage import validate_stage
from os2cli.output.views.snapshots import show_inventory
from os2cli.snapshots.inventory import Entry, list_inventory, only


class Order(StrEnum):
    """The order of a list: by name, newest first or largest first."""

    NAME = "name"
    CREATED = "created"
    SIZE = "size"


def list_snapshots(
    ctx: typer.Context,
    type_: options.InventoryType = None,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            help="Only snapshots of this stage. Default: the current one's, and all local images.",
        ),
    ] = None,
    all_stages: Annotated[
        bool, typer.Option("--all-stages", help="Snapshots of all stages.")
    ] = False,
    state: Annotated[
        SnapshotState | None, typer.Option("--state", help="Only snapshots in this state.")
    ] = None,
    sort: Annotated[
        Order, typer.Option("--sort", help="Sort by name, newest first or largest first.")
    ] = Order.CREATED,
    docker_host: options.DockerHost = None,
) -> None:
    """List local images and snapshots on Daytona that os2 built.

    If a provider does not answer, list those of the others and exit with 7. An
    image or a snapshot that cannot be read is a warning; with --json, the exit
    code is 7.

    [dim]Examples:[/dim]
      os2 snapshot list
      os2 snapshot list --all-stages --state inactive --sort size
    """
    reject_both("--stage", stage is not None, "--all-stages", all_stages)
    session = Session.start(ctx, docker_host)
    catalogs = session.providers.catalogs(type_)
    with left_out() as unread:
        if stage is not None:
            validate_stage(stage, "--stage")
            listing = only(list_inventory(catalogs, stage), stage=stage, state=state)
        else:
            stage = None if all_stages else session.stage_if_set(None)
            listing = only(list_inventory(catalogs), stage=stage, state=state)
    entries = _sorted(listing.entries, sort)
    raise typer.Exit(show_inventory(session.output, listing, entries, stage, unread))


def _sorted(entries: Sequence[Entry], order: Order) -> list[Entry]:
    match order:
        case Order.NAME:
            return sorted(entries, key=lambda entry: entry.item.name)
        case Order.SIZE:
            return sorted(entries, key=lambda entry: entry.item.size_bytes or 0, reverse=True)
        case Order.CREATED:
            return list(entries)
