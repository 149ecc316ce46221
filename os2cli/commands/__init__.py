"""The commands: options in, a use case, a result out. None of them imports another."""

from __future__ import annotations

from importlib import import_module

import typer

from os2cli import __version__
from os2cli.commands._declare import Os2Command, new_app

# In which module a command is, or the commands of a group are; what it is called there.
COMMANDS = {
    "up": ("up", "up"),
    "ui": ("ui", "ui"),
    "doctor": ("doctor", "doctor"),
    "stage": ("stage", "stage"),
    "config": ("config", "config"),
    "help": ("help", "help_"),
    "schema": ("schema", "schema"),
    "completion": ("completion", "completion"),
}
GROUPS = ("machine", "snapshot", "cache", "analytics")


def build_app(wanted: str | None = None) -> typer.Typer:
    """The whole command line, or only what ``wanted`` names: the rest takes time to import.

    ``help`` is about all of it.
    """
    app = new_app(
        "Build a sandbox image for coding agents, and create, reach and remove machines made "
        "from it.\n\nStart with: os2 up",
        invoke_without_command=True,
    )
    app.callback()(root)
    alone = wanted if wanted in (*COMMANDS, *GROUPS) and wanted != "help" else None
    for name, (module, function) in COMMANDS.items():
        if alone in (None, name):
            command = getattr(import_module(f"{__name__}.{module}"), function)
            app.command(name, cls=Os2Command)(command)
    for name in GROUPS:
        if alone in (None, name):
            app.add_typer(import_module(f"{__name__}.{name}").app, name=name)
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
