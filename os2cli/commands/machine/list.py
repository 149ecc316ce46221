"""``os2 machine list``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from os2cli.app.selection import gather
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import UsageError
from os2cli.core.left_out import left_out
from os2cli.core.models import MachineState
from os2cli.core.option_rules import reject_both
from os2cli.machines.filters import Query
from os2cli.machines.fleet import Listing
from os2cli.machines.health import ALL, LIST_ALONE, Glance
from os2cli.output.views.machines import (
    COLUMNS,
    DEFAULT_COLUMNS,
    show_machines,
)
from os2cli.output.views.watch import watch_machines

WATCH_SECONDS = 2.0


def list_machines(
    ctx: typer.Context,
    type_: options.OnlyType = None,
    stage: options.OnlyStage = None,
    all_stages: Annotated[
        bool,
        typer.Option("--all-stages", help="Include other stages on Daytona."),
    ] = False,
    state: Annotated[
        list[MachineState] | None,
        typer.Option("--state", help="Only machines in this state. Repeatable."),
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="KEY=PATTERN",
            help="name, snapshot, owner, health or label=KEY=PATTERN, with * and ?. Repeatable.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Sort by a column; -COLUMN reverses. Default: name."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help=f"Columns to show: {','.join(COLUMNS)}."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until Ctrl-C.")] = False,
    docker_host: options.DockerHost = None,
) -> None:
    """List machines: all on this host, and those of the stage on Daytona.

    If a provider does not answer, list those of the others and exit with 7. A
    machine that cannot be read is a warning; with --json, the exit code is 7.

    [dim]Examples:[/dim]
      os2 machine list
      os2 machine list --all-stages --state running --sort -created
      os2 machine list --filter 'name=dev-*' --columns name,url,expires
      os2 machine list --watch
    """
    reject_both("--stage", stage is not None, "--all-stages", all_stages)
    session = Session.start(ctx, docker_host)
    shown = chosen_columns(session, columns)
    query = Query.parse(state or [], filter_ or [], sort)
    glance = needed_glance(session, shown)

    def look(*, again: bool = False) -> Listing:
        return gather(
            session, type_, stage, query, all_stages=all_stages, tolerant=again, glance=glance
        )

    if watch:
        again = partial(look, again=True)
        watch_machines(session.output, look(), again, shown, WATCH_SECONDS)
    with left_out() as unread:
        listing = look()
    raise typer.Exit(show_machines(session.output, listing, shown, unread))


def needed_glance(session: Session, columns: Sequence[str]) -> Glance:
    """Return what is asked of each machine for what is shown of it."""
    invocation = session.output.invocation
    if invocation.json:
        return ALL
    if invocation.quiet:
        return LIST_ALONE
    return Glance(health="state" in columns, url="url" in columns)


def chosen_columns(session: Session, text: str | None) -> tuple[str, ...]:
    """Return the requested columns, in their order."""
    if text is None:
        return DEFAULT_COLUMNS
    if session.output.invocation.json or session.output.invocation.quiet:
        raise UsageError(
            "--columns has no effect with --json or --quiet",
            hint="leave it out; --json has all fields",
            code="option_invalid",
        )
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or not names:
        raise UsageError(
            f"--columns: unknown column {', '.join(unknown)!r}"
            if unknown
            else "--columns: no columns",
            hint=f"choose from {','.join(COLUMNS)}",
            code="option_invalid",
        )
    return tuple(dict.fromkeys(names))
