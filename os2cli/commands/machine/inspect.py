"""``os2 machine list`` and ``os2 machine show``."""

from __future__ import annotations

import typer

from os2cli import options
from os2cli.machines import find_machine, list_with_health
from os2cli.models import MachineType
from os2cli.session import Session
from os2cli.views.machines import show_machine_details, show_machine_table


def list_machines(
    ctx: typer.Context,
    stage: options.OnlyStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """List the machines that os2 made."""
    session = Session.start(ctx, docker_host)
    provider = session.providers.machines(MachineType.LOCAL_DOCKER)
    show_machine_table(session.output, list_with_health(provider, stage))


def show(
    ctx: typer.Context, name: options.ExistingMachine, docker_host: options.DockerHost = None
) -> None:
    """Show one machine."""
    session = Session.start(ctx, docker_host)
    provider = session.providers.machines(MachineType.LOCAL_DOCKER)
    show_machine_details(session.output, find_machine(provider, name))
