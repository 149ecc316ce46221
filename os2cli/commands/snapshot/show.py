"""``os2 snapshot show``."""

from __future__ import annotations

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.output.views.snapshots import show_entry
from os2cli.snapshots.inventory import find_entry


def show(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    type_: options.InventoryType = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Show one image or snapshot, what it holds, and the machines created from it.

    The contents are known for local images: their builds record them. -v lists
    all packages.
    """
    session = Session.start(ctx, docker_host)
    entry = find_entry(session.providers.catalogs(type_), name)
    show_entry(session.output, entry, entry.catalog.contents(entry.item))
