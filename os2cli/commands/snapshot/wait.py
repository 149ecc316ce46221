"""``os2 snapshot wait``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.defaults import BUILD_SECONDS
from os2cli.output.views.snapshots import show_state
from os2cli.snapshots.inventory import locate
from os2cli.snapshots.readiness import wait_until_usable


def wait(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="Time limit. Default: 1800."),
    ] = None,
    type_: options.InventoryType = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Wait until a snapshot is active; if its build failed, show the end of the log.

    [dim]Examples:[/dim]
      os2 snapshot wait stg--20260111-193045 --timeout 600
    """
    session = Session.start(ctx, docker_host)
    entry = locate(session.providers.catalogs(type_), name)
    progress = session.output.progress()
    state = wait_until_usable(entry, timeout or BUILD_SECONDS, progress=progress)
    show_state(session.output, entry.item.name, state, changed=False)
