"""``os2 machine create``."""

from __future__ import annotations

import typer

from os2cli.app.machine_creation import Creation, reject_unusable
from os2cli.app.machine_options import MachineOptions
from os2cli.app.session import Session
from os2cli.commands._options import takes_machine_options
from os2cli.output.views.machines import show_created


@takes_machine_options
def create(ctx: typer.Context, options: MachineOptions) -> None:
    """Create a machine and wait until it is healthy.

    A missing local image is built first; on Daytona, the stage's newest snapshot
    is used.

    [dim]Examples:[/dim]
      os2 machine create
      os2 machine create dev-1 -e OPENAI_API_KEY --memory 4g
      os2 machine create --type daytona --auto-stop 2h
      os2 machine create dev-2 --json | jq -r .url
    """
    reject_unusable(options)
    session = Session.start(ctx, options.docker_host)
    progress = session.output.progress()
    machines = Creation(session, options, progress).run()
    show_created(session.output, machines, one=options.count == 1)
    names = ", ".join(machine.name for machine in machines)
    session.output.note(f"created {names} ({progress.summary()})")
