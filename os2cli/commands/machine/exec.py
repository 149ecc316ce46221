"""``os2 machine exec``."""

from __future__ import annotations

import io
import sys
from typing import Annotated, BinaryIO

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.models import Command, Streams
from os2cli.machines.environment import machine_environment
from os2cli.output.documents.executions import ExecutionDocument
from os2cli.settings.settings import variable_here


def execute(
    ctx: typer.Context,
    name: options.ExistingMachine,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND [ARGUMENT...]", help="The program to run.")
    ],
    stdin: Annotated[
        bool, typer.Option("--stdin", "-i", help="Pass stdin to the program.")
    ] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "-e",
            "--env",
            metavar="KEY[=VALUE]",
            help="Variable for the program; its value defaults to this shell's. Repeatable.",
        ),
    ] = None,
    workdir: Annotated[
        str | None,
        typer.Option(
            "--workdir", "-w", metavar="DIR", help="Directory to run in. Default: the repository."
        ),
    ] = None,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Run a program in a machine and exit with its exit code.

    Arguments after -- are passed on unchanged. Returns when the program ends;
    what it put in the background runs until the machine stops. Ctrl-C ends
    what is in the foreground.

    [dim]Examples:[/dim]
      os2 machine exec dev-1 -- git status
      os2 machine exec dev-1 -i -- psql < schema.sql
    """
    session = Session.start(ctx, docker_host)
    variables = machine_environment(env or [], [], variable_here)
    place = find_one(session, name, type_, stage)
    program = Command(tuple(command), variables, workdir)
    source = sys.stdin.buffer if stdin and sys.stdin is not None else None
    if not session.output.invocation.json:
        streams = Streams(_bytes_of(sys.stdout), _bytes_of(sys.stderr), source)
        raise typer.Exit(place.provider.execute(name, program, streams))
    stdout, stderr = io.BytesIO(), io.BytesIO()
    code = place.provider.execute(name, program, Streams(stdout, stderr, source))

    session.output.result(
        ExecutionDocument.of(code, stdout.getvalue(), stderr.getvalue()), lambda: None
    )
    raise typer.Exit(code)


def _bytes_of(stream: object) -> BinaryIO:
    """Return the binary stream below a text stream: a program may write any bytes."""
    buffer: BinaryIO = getattr(stream, "buffer", io.BytesIO())
    return buffer
