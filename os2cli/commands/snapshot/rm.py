"""``os2 snapshot rm``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from os2cli.app.confirmation import confirm, question, unattended
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import Os2Error
from os2cli.core.left_out import left_out
from os2cli.core.stage import is_guarded_stage
from os2cli.output.views.removals import SNAPSHOTS, show_removals
from os2cli.snapshots.inventory import Entry, locate_all, remove_entries


def remove(
    ctx: typer.Context,
    names: options.ExistingSnapshots,
    yes: options.Yes = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            "-f",
            help="Include those that machines use; ignore names that don't exist.",
        ),
    ] = False,
    type_: options.InventoryType = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="Time limit for each. Default: 60."),
    ] = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Remove images and snapshots in parallel, and verify that they are gone.

    Never removes what os2 did not build. Removing snapshots of stg and prd
    requires a confirmation.

    [dim]Examples:[/dim]
      os2 snapshot rm dev-jonas--20260111-193045
      os2 snapshot rm stg--20260111-193045 --yes
    """
    session = Session.start(ctx, docker_host)
    names = list(dict.fromkeys(names))
    with left_out() as unread:
        found = locate_all(session.providers.catalogs(type_), names, with_users=not force)
    instead = unattended("os2 snapshot rm", *found, force=force, type=type_)
    if not yes and not _confirm(session, found, instead):
        session.output.note("nothing was removed")
        return
    with session.output.progress().phase("remove"):
        removals = remove_entries(found, force=force, within=timeout)
    session.forget_resolutions(entry.item.stage for entry in _entries(found))
    # What is named and was found is not among them.
    may_be_left = not all(removal.removed for removal in removals)
    show_removals(
        session.output,
        removals,
        SNAPSHOTS,
        missing_is_fine=force,
        unread=unread if may_be_left else (),
    )


def _confirm(session: Session, found: Mapping[str, Entry | Os2Error], instead: str) -> bool:
    """Whether those may go that others work with: each of their stages is to be typed."""
    stages = {entry.item.stage for entry in _entries(found)}
    guarded = sorted(s for s in stages if s is not None and is_guarded_stage(s))
    for stage in guarded:
        names = [entry.item.name for entry in _entries(found) if entry.item.stage == stage]
        session.output.note(f"This removes: {', '.join(names)}")
        asked = question("remove", len(names), "snapshot", stage)
        if not confirm(session.output, asked, instead=instead, guarded_stage=stage):
            return False
    return True


def _entries(found: Mapping[str, Entry | Os2Error]) -> Iterable[Entry]:
    return [outcome for outcome in found.values() if not isinstance(outcome, Os2Error)]
