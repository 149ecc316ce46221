"""``os2 machine wait``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.models import WaitTarget
from os2cli.machines.states import wait_for
from os2cli.output.views.machines import show_machine_line


def wait(
    ctx: typer.Context,
    name: options.ExistingMachine,
    goal: Annotated[
        WaitTarget, typer.Option("--for", help="What to wait for.")
    ] = WaitTarget.HEALTHY,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="Time limit. Default: OS2_TIMEOUT, 120."),
    ] = None,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Wait until a machine is healthy, running or stopped.

    Fails at once if that cannot happen: a stopped machine does not start by
    itself.

    [dim]Examples:[/dim]
      os2 machine create dev-1 --no-wait && os2 machine wait dev-1
      os2 machine wait dev-1 --for stopped --timeout 600
    """
    session = Session.start(ctx, docker_host)
    place = find_one(session, name, type_, stage)
    seconds = timeout or session.settings.timeout_seconds
    progress = session.output.progress()
    machine = wait_for(place.provider, place.machine, goal, seconds, progress=progress)
    show_machine_line(session.output, machine)
