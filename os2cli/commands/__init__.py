"""The commands: options in, a use case, a result out. None of them imports another."""

from __future__ import annotations

import typer

from os2cli import __version__
from os2cli.command_line import Os2Command, new_app
from os2cli.commands import cache, machine, snapshot
from os2cli.commands.completion import completion
from os2cli.commands.config import config
from os2cli.commands.doctor import doctor
from os2cli.commands.help import help_
from os2cli.commands.schema import schema
from os2cli.commands.stage import stage
from os2cli.commands.up import up


def build_app() -> typer.Typer:
    """The whole command line."""
    app = new_app(
        "Build a sandbox image for coding agents, and create, reach and remove machines made "
        "from it.\n\nStart with: os2 up",
        invoke_without_command=True,
    )
    app.callback()(root)
    app.command(cls=Os2Command)(up)
    app.add_typer(machine.app, name="machine")
    app.add_typer(snapshot.app, name="snapshot")
    app.add_typer(cache.app, name="cache")
    app.command(cls=Os2Command)(doctor)
    app.command(cls=Os2Command)(stage)
    app.command(cls=Os2Command)(config)
    app.command("help", cls=Os2Command)(help_)
    app.command(cls=Os2Command)(schema)
    app.command(cls=Os2Command)(completion)
    return app


def root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """Handle what stands before any command; bare ``os2`` prints its help."""
    if version:
        typer.echo(f"os2 {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
