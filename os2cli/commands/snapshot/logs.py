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
from os2cli.core.plain_text import plain_text
from os2cli.output.views.logs import show_log
from os2cli.snapshots.catalog import Catalog
from os2cli.snapshots.inventory import find_catalog, locate_in
from os2cli.snapshots.readiness import follow_build


def logs(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Follow until the build on Daytona ends.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="Time limit with --follow. Default: 1800."),
    ] = None,
    type_: options.InventoryType = None,
) -> None:
    """Print the build log of an image or snapshot, also of a failed build.

    os2 keeps the logs of the last 20 local builds.

    [dim]Examples:[/dim]
      os2 snapshot logs iterate-sandbox:local
      os2 snapshot logs -f stg--20260111-193045
    """
    reject_without("--timeout", timeout is not None, "--follow", follow)
    session = Session.start(ctx)
    catalog = find_catalog(session.providers.catalogs(type_), name)
    if follow:
        _reject_local(catalog, catalog.type)
        json = session.output.invocation.json
        write = partial(_write, session)
        if follow_build(locate_in(catalog, name), write, timeout or BUILD_SECONDS) and not json:
            return
    # Also in a pipe, which often ends on a terminal.
    show_log(session.output, map(plain_text, catalog.log(name)), name)


def _reject_local(catalog: Catalog, type_: MachineType) -> None:
    if catalog.store is None:
        raise UsageError(
            f"--follow is not supported for builds on {type_}",
            hint="watch a build as it runs: os2 snapshot local-docker -v",
            code="option_invalid",
        )


def _write(session: Session, line: str) -> None:
    """Show a line as it comes; a document gets them all at the end."""
    if not session.output.invocation.json:
        session.output.line(line)
        session.output.stdout.flush()
