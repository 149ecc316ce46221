"""``os2 snapshot logs``."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.defaults import BUILD_SECONDS
from os2cli.core.errors import UsageError
from os2cli.core.models import MachineType
from os2cli.core.option_rules import reject_without
from os2cli.output.views.logs import show_log
from os2cli.snapshots.catalog import Catalog
from os2cli.snapshots.inventory import find_catalog, locate_in
from os2cli.snapshots.readiness import follow_build


def logs(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the build on Daytona has ended.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="With --follow: for how long at most. Default: 1800."
        ),
    ] = None,
    type_: options.InventoryType = None,
) -> None:
    """Print what the build of an image or a snapshot wrote, also of one that failed.

    Of local builds the last 20 logs are kept.

    [dim]Examples:[/dim]
      os2 snapshot logs iterate-sandbox:local
      os2 snapshot logs -f stg--20260111-193045
    """
    reject_without("--timeout", timeout is not None, "--follow", follow)
    session = Session.start(ctx)
    catalog = find_catalog(session.providers.catalogs(type_), name)
    if follow:
        _refuse_local(catalog, catalog.type)
        json = session.output.invocation.json
        write = partial(_write, session)
        if follow_build(locate_in(catalog, name), write, timeout or BUILD_SECONDS) and not json:
            return
    show_log(session.output, catalog.log(name), name)


def _refuse_local(catalog: Catalog, type_: MachineType) -> None:
    if catalog.store is None:
        raise UsageError(
            f"--follow is not for builds on {type_}: they are shown while they are made",
            hint="leave it out, or build with -v: os2 snapshot local-docker -v",
            code="option_invalid",
        )


def _write(session: Session, line: str) -> None:
    """Show a line as it comes; a document has them all at the end."""
    if not session.output.invocation.json:
        session.output.line(line)
        session.output.stdout.flush()
