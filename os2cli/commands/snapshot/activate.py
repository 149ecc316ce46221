"""``os2 snapshot activate``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.defaults import ACTIVATION_SECONDS
from os2cli.core.option_rules import reject_both
from os2cli.output.views.snapshots import show_state
from os2cli.snapshots.inventory import locate
from os2cli.snapshots.readiness import bring_back


def activate(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="Time limit. Default: 300."),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return before the snapshot is active.")
    ] = False,
    type_: options.InventoryType = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Activate a snapshot that Daytona deactivated after two weeks without use.

    [dim]Examples:[/dim]
      os2 snapshot activate stg--20260111-193045
    """
    reject_both("--timeout", timeout is not None, "--no-wait", no_wait)
    session = Session.start(ctx, docker_host)
    entry = locate(session.providers.catalogs(type_), name)
    seconds = None if no_wait else timeout or ACTIVATION_SECONDS
    state, changed = bring_back(entry, seconds, progress=session.output.progress())
    if changed:
        session.forget_resolutions([entry.item.stage])
    else:
        session.output.note(f"{entry.item.name} is already active")
    show_state(session.output, entry.item.name, state, changed=changed)
