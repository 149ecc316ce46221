"""The commands of os2 as Click has them: those that help shows, and their groups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import typer

from os2cli.commands import build_app


@cache
def command_line() -> Any:
    """Return the whole command line."""
    return build_app()


def shown_commands(group: Any, path: tuple[str, ...] = ()) -> Mapping[tuple[str, ...], Any]:
    """Return a group and every command in it that is not hidden, by path."""
    found = {path: group}
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            found |= shown_commands(command, (*path, name))
        elif not command.hidden:
            found[*path, name] = command
    return found
