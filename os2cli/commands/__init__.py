"""The commands: options in, a use case, a result out. No command imports another."""

from __future__ import annotations

import typer

from os2cli import __version__
from os2cli.commands._declare import CommandTable, Os2Group, new_group

COMMANDS = {
    "up": "up:up",
    "ui": "ui:ui",
    "machine": "machine:group",
    "snapshot": "snapshot:group",
    "doctor": "doctor:doctor",
    "stage": "stage:stage",
    "config": "config:config",
    "help": "help:help_",
    "schema": "schema:schema",
    "completion": "completion:completion",
    "cache": "cache:group",
    "analytics": "analytics:group",
}


def build_app() -> Os2Group:
    """Return the command line; each command is imported when it is used."""
    return new_group(
        "os2",
        "Build a sandbox image for coding agents, and create, reach and remove machines made "
        "from it.\n\nStart with: os2 up",
        CommandTable(__name__, COMMANDS),
        root,
        invoke_without_command=True,
    )


def root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """Handle options before a command; without a command, print the help."""
    if version:
        typer.echo(f"os2 {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
