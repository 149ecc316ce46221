"""``os2 help``."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from os2cli.core.errors import UsageError
from os2cli.output import Output
from os2cli.output.documents.help import CommandHelpDocument, OptionDocument
from os2cli.output.views.help import TOPICS, show_topics
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import terminal_variables


def complete_help(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the topics, or the commands of a group, that begin with ``incomplete``."""
    group: Any = ctx.find_root().command
    before = ctx.params.get("words") or ()
    for word in before:
        group = getattr(group, "commands", {}).get(word)
    names = [*(() if before else TOPICS), *visible(group)]
    return [name for name in names if name.startswith(incomplete)]


def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC | COMMAND...]", autocompletion=complete_help),
    ] = None,
) -> None:
    """Show help on a topic or a command; without either, list the topics.

    [dim]Examples:[/dim]
      os2 help exit-codes
      os2 help environment
      os2 help machine create
    """
    # Not a session: help must work even if the settings are invalid.
    output = Output(ctx.ensure_object(Invocation), terminal_variables())
    if not words:
        show_topics(output)
    elif len(words) == 1 and words[0] in TOPICS:
        TOPICS[words[0]][1](output)
    else:
        show_command(output, context_of(ctx, words))


def context_of(ctx: typer.Context, words: list[str]) -> typer.Context:
    """Return the context of a command; raise ``UsageError`` if there is none."""
    context: Any = ctx.find_root()
    for word in words:
        command = getattr(context.command, "commands", {}).get(word)
        if command is None:
            raise UsageError(
                f"unknown topic or command {' '.join(words)!r}",
                hint="list the topics: os2 help; list the commands: os2 --help",
            )
        context = type(ctx)(command, parent=context, info_name=word, **command.context_settings)
    return cast("typer.Context", context)


def show_command(output: Output, ctx: typer.Context) -> None:
    """Show what ``--help`` prints."""
    command: Any = ctx.command

    document = CommandHelpDocument(
        command=ctx.command_path.partition(" ")[2],
        usage=command.get_usage(ctx).removeprefix("Usage: "),
        about=(command.help or "").partition("\n\n[dim]")[0],
        options=[
            OptionDocument(
                names=[param.metavar or param.name] if is_argument(param) else list(param.opts),
                about=getattr(param, "help", None),
                required=param.required,
            )
            for param in command.get_params(ctx)
        ],
        commands=visible(command),
    )

    def write_text() -> None:
        if text := command.get_help(ctx):
            output.line(text)

    output.result(document, write_text, names=visible(command))


def is_argument(param: Any) -> bool:
    """Return whether a parameter is an argument, not an option."""
    return bool(param.param_type_name == "argument")


def visible(command: Any) -> list[str]:
    """Return the commands of a group that help shows."""
    commands: dict[str, Any] = getattr(command, "commands", {})
    return [name for name, sub in commands.items() if not sub.hidden]
