"""``os2 schema``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from os2cli.core.errors import UsageError
from os2cli.output import Output
from os2cli.output.documents.registry import DOCUMENTS, schema_of
from os2cli.output.views.help import show_documented
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import terminal_variables


def complete_documented(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the next words of commands that have a schema."""
    before = list(ctx.params.get("words") or ())
    paths = [command.split() for command in DOCUMENTS]
    next_words = [path[len(before)] for path in paths if path[: len(before)] == before != path]
    return [word for word in dict.fromkeys(next_words) if word.startswith(incomplete)]


def schema(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND...]", autocompletion=complete_documented),
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json.

    Without a command, list those that have a schema, also error and progress.

    [dim]Examples:[/dim]
      os2 schema machine list
      os2 schema error
    """
    # Not a session: schemas must work even if the settings are invalid.
    output = Output(ctx.ensure_object(Invocation), terminal_variables())
    if not words:
        show_documented(output)
        return
    command = " ".join(words)
    if command not in DOCUMENTS:
        raise UsageError(
            f"unknown schema {command!r}",
            hint="list the schemas: os2 schema",
            code="usage",
        )
    output.text(json.dumps(schema_of(command), indent=2))
