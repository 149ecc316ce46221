"""``os2 machine shell``."""

from __future__ import annotations

import shlex

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import UsageError
from os2cli.host.tty import Terminal


def shell(
    ctx: typer.Context,
    name: options.ExistingMachine,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Open a shell in a machine.

    What you put in the background runs until the machine stops; on Daytona,
    which is reached by ssh with a token that expires, use nohup.

    [dim]Examples:[/dim]
      os2 machine shell dev-1
    """
    session = Session.start(ctx, docker_host)
    if session.output.invocation.json:
        raise UsageError(
            "--json is not supported by machine shell",
            hint=f"run a program instead: os2 machine exec {shlex.quote(name)} --json -- COMMAND",
            code="option_invalid",
        )
    place = find_one(session, name, type_, stage)
    kind = session.settings.variables.get("TERM", "xterm")
    terminal = Terminal.of_process(kind, f"os2 machine exec {shlex.quote(name)} -- COMMAND")
    raise typer.Exit(place.provider.shell(name, terminal))
