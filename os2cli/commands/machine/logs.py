"""``os2 machine logs``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.limits import killed_for_memory
from os2cli.core.models import LogRequest
from os2cli.core.parsing import parse_since
from os2cli.machines.usage import with_memory_kills
from os2cli.output.views.logs import show_log


def logs(
    ctx: typer.Context,
    name: options.ExistingMachine,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Follow until Ctrl-C, or until the machine stops."),
    ] = False,
    service: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Service to read, instead of the machine."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only newer lines: 30m, 2h, 2026-01-11T19:30:45Z."),
    ] = None,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", metavar="N", min=0, help="Only the last N lines.")
    ] = None,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Print the log of a machine or of one of its services.

    The machine's log includes services without a log of their own.

    [dim]Examples:[/dim]
      os2 machine logs dev-1 --tail 50
      os2 machine logs dev-1 -f --service iterate-server
    """
    session = Session.start(ctx, docker_host)
    moment = parse_since(since, datetime.now(UTC)) if since else None
    request = LogRequest(service, moment, tail, follow)
    place = find_one(session, name, type_, stage)
    machine = with_memory_kills(place.provider, place.machine)
    if machine.memory_kills:
        session.output.warn(f"machine {name}: {killed_for_memory(machine.limits)}")
    show_log(session.output, place.provider.logs(name, request), name, service)
