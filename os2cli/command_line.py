"""How commands are declared: every one takes the global flags, before or after its own."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from os2cli.invocation import Invocation

_PANEL = "Global options"
_FLAGS = (
    (("--json",), "Print one JSON document on stdout, also for errors."),
    (("--quiet", "-q"), "Print names only, and no progress."),
    (("--verbose", "-v"), "Show the logs of builds and other long steps."),
    (("--debug",), "Show a traceback when something fails unexpectedly."),
    (("--no-input",), "Never ask; fail with the command to run instead. Also: CI, OS2_NO_INPUT."),
)


def _remember(ctx: typer.Context, param: Any, value: bool) -> None:
    if value:
        setattr(ctx.find_object(Invocation), param.name, True)


def global_options() -> list[TyperOption]:
    """The flags that every command takes; they end up in the context's ``Invocation``."""
    return [
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


class Os2Command(TyperCommand):
    """A command with the global flags."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())


class Os2Group(TyperGroup):
    """A group of commands with the global flags; without a command it prints its help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())


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
