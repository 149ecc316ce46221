"""How commands are declared: every one takes the global flags, before or after its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from os2cli.core.errors import UsageError
from os2cli.settings.invocation import Invocation, ProgressMode, parse_progress
from os2cli.settings.settings import analytics_are_set_up

_PANEL = "Global options"
_FLAGS = (
    (("--json",), "Print one JSON document on stdout, also for errors."),
    (("--quiet", "-q"), "Print names only, and no progress."),
    (("--verbose", "-v"), "Show the logs of builds and other long steps."),
    (("--debug",), "Show a traceback when something fails unexpectedly."),
    (("--no-input",), "Never ask; fail with the command to run instead. Also: CI, OS2_NO_INPUT."),
)
_PROGRESS = "Progress on stderr: auto, plain, json or none. Default: OS2_PROGRESS, auto."


def _remember(ctx: typer.Context, param: Any, value: bool) -> None:
    if value:
        setattr(ctx.find_object(Invocation), param.name, True)


def _remember_progress(ctx: typer.Context, param: Any, value: str | None) -> None:
    del param
    if value is not None:
        ctx.ensure_object(Invocation).progress = parse_progress(value, "--progress")


def _complete_progress(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
    del ctx, args
    return [mode for mode in ProgressMode if mode.startswith(incomplete)]


def global_options() -> list[TyperOption]:
    """The options that every command takes; they end up in the context's ``Invocation``."""
    flags = [
        TyperOption(
            param_decls=list(names),
            is_flag=True,
            default=False,
            expose_value=False,
            help=text,
            callback=_remember,
            rich_help_panel=_PANEL,
        )
        for names, text in _FLAGS
    ]
    progress = TyperOption(
        param_decls=["--progress"],
        type=str,
        metavar="HOW",
        # Before the others, so that a refusal of theirs is told in this form.
        is_eager=True,
        expose_value=False,
        help=_PROGRESS,
        callback=_remember_progress,
        autocompletion=_complete_progress,
        rich_help_panel=_PANEL,
    )
    return [*flags, progress]


def remember_form(arguments: Sequence[str], invocation: Invocation) -> None:
    """Take the form of the output from a command line that the parser refused half-way."""
    invocation.json = invocation.json or "--json" in arguments
    for before, word in zip(("", *arguments), arguments, strict=False):
        mode = word if before == "--progress" else word.removeprefix("--progress=")
        if before == "--progress" or mode != word:
            with suppress(UsageError):
                invocation.progress = parse_progress(mode, "--progress")


class Os2Command(TyperCommand):
    """A command with the global flags.

    ``refusal_hint`` is told when its arguments can't be parsed, None: where its help is.
    """

    refusal_hint: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def invoke(self, ctx: Any) -> Any:
        """Run it, tracked when a project is set to send usage to: the one place for that."""
        if not analytics_are_set_up():
            return super().invoke(ctx)
        from os2cli.analytics.middleware import tracked_command

        with tracked_command(procedure_of(ctx), ctx.params, ctx.ensure_object(Invocation)):
            return super().invoke(ctx)


def procedure_of(ctx: Any) -> str:
    """A command's name with its groups, e.g. ``machine.rm``, also when an alias was typed."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, _shown_name(ctx))
        ctx = ctx.parent
    return ".".join(words)


def _shown_name(ctx: Any) -> str:
    siblings = getattr(ctx.parent.command, "commands", {})
    mine = _function(ctx.command)
    same = (n for n, c in siblings.items() if not c.hidden and mine and _function(c) is mine)
    return next(same, str(ctx.info_name))


def _function(command: Any) -> Any:
    return getattr(command.callback, "__wrapped__", None)


class PassingOnCommand(Os2Command):
    """A command that passes arguments on to another program."""

    refusal_hint = "put -- before the program: os2 machine exec NAME -- PROGRAM ARGUMENT…"


# As a person meets them; Typer would list all commands before all groups.
_ORDER = ("up", "ui", "machine", "snapshot", "doctor")


class Os2Group(TyperGroup):
    """A group of commands with the global flags."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order that help shows."""
        names = super().list_commands(ctx)
        first = [name for name in _ORDER if name in names]
        return [*first, *(name for name in names if name not in first)]


def new_app(help_text: str, **kwargs: Any) -> typer.Typer:
    """A Typer application whose help is the same everywhere."""
    return typer.Typer(
        cls=Os2Group,
        help=help_text,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **kwargs,
    )
