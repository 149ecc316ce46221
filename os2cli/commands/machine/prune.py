"""``os2 machine prune``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from os2cli.app.confirmation import confirm, question, unattended
from os2cli.app.selection import in_scope, includes_shared, is_guarded
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.left_out import left_out
from os2cli.core.parsing import parse_duration
from os2cli.host.locked_folders import remove_left_temporary
from os2cli.machines.fleet import LocatedMachine, list_fleet, locate_remnants, remove_located
from os2cli.machines.health import LIST_ALONE
from os2cli.machines.stale import Leftover, find_leftovers
from os2cli.output.humanize import age
from os2cli.output.views.stale import show_plan, show_pruned


def prune(
    ctx: typer.Context,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Also remove machines older than this: 12h, 7d."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "-n", help="Show what would be removed, and remove nothing."),
    ] = False,
    yes: options.Yes = False,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Remove expired machines, and leftovers of interrupted creations and removals.

    On Daytona, only those of the stage. Lists what will be removed and why, and
    asks.

    [dim]Examples:[/dim]
      os2 machine prune --dry-run
      os2 machine prune --older-than 7d --type local-docker --yes
    """
    span = parse_duration(older_than, "--older-than") if older_than else None
    session = Session.start(ctx, docker_host)
    within = session.remote_stage(stage).name if includes_shared(session, type_) else stage
    fleet = session.providers.fleet(type_, within)
    with left_out() as unread:
        listing = list_fleet(fleet, glance=LIST_ALONE)
        machines = [LocatedMachine(machine, fleet[machine.type]()) for machine in listing.machines]
        places = [*machines, *locate_remnants(fleet)]
    near = [each.machine for each in places if in_scope(each.machine, within, stage)]
    found = find_leftovers(near, datetime.now(UTC), span)
    if not dry_run:
        remove_left_temporary()
    if not found or dry_run:
        raise typer.Exit(show_plan(session.output, found, listing, unread))
    guarded = all(is_guarded(one.machine) for one in found)
    named = within if guarded else stage
    instead = unattended("os2 machine prune", older_than=older_than, type=type_, stage=named)
    if not yes and not _confirm(session, found, within, instead):
        session.output.note("nothing was removed")
        return
    chosen = [leftover.machine for leftover in found]
    removals = remove_located([each for each in places if each.machine in chosen])
    raise typer.Exit(show_pruned(session.output, found, removals, listing, unread))


def _confirm(session: Session, found: Sequence[Leftover], stage: str | None, instead: str) -> bool:
    """Say what would go and why, and ask."""
    for leftover in found:
        machine = leftover.machine
        session.output.note(
            f"{machine.name} ({machine.type}, created {age(machine.created)}): {leftover.why}"
        )
    guarded_stage = stage if any(is_guarded(leftover.machine) for leftover in found) else None
    asked = question("remove", len(found), "machine", guarded_stage)
    return confirm(session.output, asked, instead=instead, guarded_stage=guarded_stage)
