"""``os2 machine show``."""

from __future__ import annotations

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.machines.health import with_health
from os2cli.machines.usage import with_memory_kills
from os2cli.output.views.machines import show_machine_details


def show(
    ctx: typer.Context,
    name: options.ExistingMachine,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Show one machine."""
    session = Session.start(ctx, docker_host)
    place = find_one(session, name, type_, stage)
    machine = with_memory_kills(place.provider, with_health(place.provider, place.machine))
    show_machine_details(session.output, machine)
