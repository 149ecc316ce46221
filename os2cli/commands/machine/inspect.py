"""``os2 machine list`` and ``os2 machine show``."""

from __future__ import annotations

import typer

from os2cli import options
from os2cli.session import Session
from os2cli.views.machines import show_machine_details, show_machines


def list_machines(
    ctx: typer.Context,
    type_: options.OnlyType = None,
    stage: options.OnlyStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """List the machines that os2 made, wherever they are.

    When a provider does not answer, the machines of the others are shown, and the exit code is 7.
    """
    from os2cli.fleet import list_fleet

    session = Session.start(ctx, docker_host)
    listing = list_fleet(session.providers.fleet(type_), stage)
    raise typer.Exit(show_machines(session.output, listing))


def show(
    ctx: typer.Context,
    name: options.ExistingMachine,
    type_: options.OnlyType = None,
    stage: options.OnlyStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Show one machine."""
    from os2cli.fleet import find_in_fleet

    session = Session.start(ctx, docker_host)
    fleet = session.providers.fleet(type_, session.stage_if_set(stage))
    show_machine_details(session.output, find_in_fleet(fleet, name, stage))
