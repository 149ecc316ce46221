"""``os2 machine rm``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.selection import Selection, confirm_change, find
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.left_out import left_out
from os2cli.machines.fleet import remove_located
from os2cli.output.views.removals import MACHINES, show_removals


def remove(
    ctx: typer.Context,
    names: options.ExistingMachines = None,
    all_: Annotated[
        bool, typer.Option("--all", "-a", help="All machines; on Daytona, those of the stage.")
    ] = False,
    yes: options.Yes = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Ignore machines that don't exist.")
    ] = False,
    type_: options.OnlyType = None,
    stage: options.OnlyStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Remove machines in parallel, and verify that they are gone.

    On Daytona, names and --all mean machines of the stage.
    Removing machines of stg and prd requires a confirmation.

    [dim]Examples:[/dim]
      os2 machine rm dev-1 dev-2
      os2 machine rm --all --yes
      os2 machine rm --type daytona --stage stg reviews --yes
    """
    selection = Selection("rm", names or [], all_, type_, stage)
    selection.check()
    session = Session.start(ctx, docker_host)
    with left_out() as unread:
        found = find(session, selection)
        if not yes and not confirm_change(session, selection, found, always=all_):
            session.output.note("nothing was removed")
            return
        removals = remove_located(found.places)
    # A machine that is named and was found is not among them.
    may_be_left = all_ or not all(removal.removed for removal in removals)
    show_removals(
        session.output,
        removals,
        MACHINES,
        missing_is_fine=force or all_,
        unread=unread if may_be_left else (),
    )
