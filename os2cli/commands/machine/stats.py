"""``os2 machine stats``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Annotated

import typer

from os2cli.app.selection import Selection, find, gather
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.models import MachineState, MachineType
from os2cli.machines.filters import Query
from os2cli.machines.fleet import LocatedMachine, NotLocated, Place
from os2cli.machines.health import LIST_ALONE
from os2cli.machines.usage import UsageReader
from os2cli.output.views.usage import show_usage, watch_usage

WATCH_SECONDS = 2.0


def stats(
    ctx: typer.Context,
    names: options.ExistingMachines = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until Ctrl-C.")] = False,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Show what running machines use: CPU, memory, processes and disk.

    100 % is one CPU. DISK is what a machine wrote beside its image. On
    Daytona, only the limits are known.

    [dim]Examples:[/dim]
      os2 machine stats
      os2 machine stats dev-1 --watch
    """
    session = Session.start(ctx, docker_host)
    rounds = count()

    def find_again() -> list[Place]:
        return find_running(session, names or [], type_, stage, tolerant=next(rounds) > 0)

    reader = UsageReader(find_again)
    if watch:
        watch_usage(session.output, reader.read, WATCH_SECONDS)
    raise typer.Exit(show_usage(session.output, reader.read()))


def find_running(
    session: Session,
    names: Sequence[str],
    type_: MachineType | None,
    stage: str | None,
    *,
    tolerant: bool,
) -> list[Place]:
    """Return the machines of these names, or all that run; a provider that fails is one place."""
    if names:
        return list(find(session, Selection("stats", names, False, type_, stage)).places)
    query = Query.parse([MachineState.RUNNING], [], None)
    listing = gather(
        session, type_, stage, query, all_stages=False, tolerant=tolerant, glance=LIST_ALONE
    )
    fleet = session.providers.fleet(type_, stage)
    machines = [LocatedMachine(machine, fleet[machine.type]()) for machine in listing.machines]
    return [*machines, *(NotLocated(t, error) for t, error in listing.failures.items())]
