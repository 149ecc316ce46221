"""``os2 snapshot prune``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from os2cli.app.builds import next_base
from os2cli.app.confirmation import confirm, unattended
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import Os2Error, UsageError
from os2cli.core.left_out import left_out
from os2cli.core.models import MachineType, Removal
from os2cli.core.parsing import parse_minutes
from os2cli.core.stage import is_guarded_stage
from os2cli.output.documents.inventory import PruneDocument
from os2cli.output.views.removals import SNAPSHOTS, removal_error, unlisted_error, unread_error
from os2cli.output.views.snapshots import note_plan, show_plan, total_size, warn_of_failures
from os2cli.providers.entry import entries
from os2cli.snapshots.inventory import (
    Catalogs,
    InventoryListing,
    list_inventory,
    only,
    remove_entries,
    remove_left,
)
from os2cli.snapshots.pruning import PruningRules, Verdict, plan_pruning

_NEVER = -1


def prune(
    ctx: typer.Context,
    keep: Annotated[
        int, typer.Option(min=0, metavar="N", help="Always keep this many of the newest.")
    ] = 3,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help="Only those older than this: 12h, 30d. Default: failed ones after 1d.",
        ),
    ] = None,
    type_: options.InventoryType = None,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            help="Only snapshots of this stage. Default: the current one's, and local images.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "-n", help="Show what would be removed, and remove nothing."),
    ] = False,
    yes: options.Yes = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Remove old images and snapshots that os2 built and no machine uses.

    Keeps the newest usable one, those being built and those that machines were
    created from. -v shows what is kept, and why.

    [dim]Examples:[/dim]
      os2 snapshot prune --dry-run
      os2 snapshot prune --stage stg --keep 5 --older-than 30d --yes
    """
    age = _age(older_than)
    session = Session.start(ctx, docker_host)
    catalogs, chosen = _scope(session, type_, stage)
    # A named stage excludes what belongs to none.
    with left_out() as unread:
        listing = only(list_inventory(catalogs, stage), stage=chosen, state=None)
    image = session.settings.image
    bases = any(entry.item.is_base for entry in listing.entries)
    base = next_base(session) if bases else None
    rules = PruningRules(keep, age, (image, f"{image}:latest"), base)
    used = {entry.item.id for entry in listing.entries if entry.users}
    items = [entry.item for entry in listing.entries]
    plan = plan_pruning(items, used, datetime.now(UTC), rules)
    goes = [verdict for verdict in plan if verdict.goes]
    if not dry_run:
        remove_left(catalogs)
    if dry_run or not goes:
        _show(session, plan, None if dry_run else [], listing, unread)
        return
    note_plan(session.output, plan, staying=session.output.invocation.verbose)
    instead = unattended(
        "os2 snapshot prune", keep=keep, older_than=older_than, type=type_, stage=stage
    )
    if not yes and not _confirm(session, goes, chosen, instead):
        session.output.note("nothing was removed")
        return
    found = {entry.item.name: entry for entry in listing.entries}
    with session.output.progress().phase("remove"):
        removals = remove_entries({v.item.name: found[v.item.name] for v in goes}, force=False)
    session.forget_resolutions(verdict.item.stage for verdict in goes)
    _show(session, plan, removals, listing, unread)


def _age(older_than: str | None) -> timedelta | None:
    minutes = parse_minutes(older_than, "--older-than", off=_NEVER)
    if minutes == _NEVER:
        raise UsageError(
            "--older-than: invalid duration 'off'",
            hint="write it as --older-than 12h or 30d",
            code="option_invalid",
        )
    return None if minutes is None else timedelta(minutes=minutes)


def _scope(
    session: Session, type_: MachineType | None, stage: str | None
) -> tuple[Catalogs, str | None]:
    """Return where to prune, and the stage: snapshots are pruned in one stage only."""
    catalogs = session.providers.catalogs(type_)
    shared = {t for t in catalogs if entries()[t].shared}
    chosen: str | None = None
    if shared == set(catalogs) or stage is not None:
        chosen = session.remote_stage(stage).name
    elif shared:
        chosen = session.stage_if_set(None, changing=True)
    if shared and chosen is None:
        session.output.note("skipping snapshots: no stage is set")
        catalogs = {t: make for t, make in catalogs.items() if t not in shared}
    return catalogs, chosen


def _confirm(session: Session, goes: Sequence[Verdict], stage: str | None, instead: str) -> bool:
    items = [verdict.item for verdict in goes]
    these = f"these {len(items)}" if len(items) > 1 else "this one"
    question = f"Remove {these}, {total_size(items)} in all?"
    guarded = is_guarded_stage(stage) and any(item.stage == stage for item in items)
    return confirm(
        session.output, question, instead=instead, guarded_stage=stage if guarded else None
    )


def _show(
    session: Session,
    plan: Sequence[Verdict],
    removals: Sequence[Removal] | None,
    listing: InventoryListing,
    unread: Sequence[str],
) -> None:
    """Show the plan or its outcome; the document also has the failures."""
    output = session.output

    done = [r.name for r in removals or () if r.removed]
    goes = [verdict.item.name for verdict in plan if verdict.goes]

    def write_text() -> None:
        if removals is None:
            show_plan(output, plan, staying=output.invocation.verbose)
        elif not goes:
            note_plan(output, plan, staying=output.invocation.verbose)
        for name in done:
            output.line(f"removed {name}")
        if not goes:
            output.note("nothing to remove")

    output.result(
        PruneDocument.of(plan, removals, listing),
        write_text,
        names=goes if removals is None else done,
    )
    warn_of_failures(output, listing)
    failed = [removal for removal in removals or () if removal.error]
    for removal in failed:
        if removal.error is not None:
            output.warn(f"{removal.name} was not removed: {removal.error.message}")
    error: Os2Error | None = None
    if listing.partial:
        error = unlisted_error(listing.failures, SNAPSHOTS)
    elif failed:
        error = removal_error(failed, removals or (), SNAPSHOTS)
    elif unread:
        error = unread_error(unread, SNAPSHOTS)
    if error is not None:
        # The document has what failed.
        output.error(error, as_document=False)
        raise typer.Exit(error.exit_code)
