"""The declaration of commands: each takes the global flags, before or after its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, Literal, cast

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from os2cli.commands._contexts import failing_for
from os2cli.commands._numbers import take_plain_numbers
from os2cli.core.errors import UsageError
from os2cli.core.parsing import is_utf8
from os2cli.settings.invocation import Invocation, ProgressMode, parse_progress
from os2cli.settings.settings import analytics_are_set_up

_PANEL = "Global options"
_MARKUP: Literal["rich"] = "rich"
_FLAGS = (
    (("--json",), "Print one JSON document on stdout, also for errors."),
    (("--quiet", "-q"), "Print names only, and no progress."),
    (("--verbose", "-v"), "Show the logs of builds and other long steps."),
    (("--debug",), "Show a traceback for an unexpected error."),
    (("--no-input",), "Never ask; fail with the command to run instead. Also: CI, OS2_NO_INPUT."),
)
# What a machine's programs and this host's files may have; ``env`` has a message of its own.
_OF_ANY_BYTES = frozenset({"command", "workdir", "source", "target", "env"})
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
    """Return the options of every command, which fill the context's ``Invocation``."""
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
        # Before the others, so that their errors are reported in this form.
        is_eager=True,
        expose_value=False,
        help=_PROGRESS,
        callback=_remember_progress,
        autocompletion=_complete_progress,
        rich_help_panel=_PANEL,
    )
    return [*flags, progress]


def remember_form(arguments: Sequence[str], invocation: Invocation) -> None:
    """Take the form of the output from a command line that the parser rejected."""
    invocation.json = invocation.json or "--json" in arguments
    for before, word in zip(("", *arguments), arguments, strict=False):
        mode = word if before == "--progress" else word.removeprefix("--progress=")
        if before == "--progress" or mode != word:
            with suppress(UsageError):
                invocation.progress = parse_progress(mode, "--progress")


class Os2Command(TyperCommand):
    """A command with the global flags.

    ``refusal_hint`` is the hint for arguments that cannot be parsed; None points to the help.
    """

    refusal_hint: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for param in self.params:
            take_plain_numbers(param.type)
        self.params.extend(global_options())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a failure is this command's."""
        with failing_for(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, tracked if usage is sent: the only place that tracks."""
        reject_bytes(self.params, ctx.params)
        if not analytics_are_set_up():
            return super().invoke(ctx)
        # Without a PostHog key, no command imports the analytics.
        from os2cli.app.tracking import tracked_command

        with tracked_command(procedure_of(ctx), ctx.params, ctx.ensure_object(Invocation)):
            return super().invoke(ctx)


def reject_bytes(params: Sequence[Any], values: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for a value that is not UTF-8 and goes into a request."""
    for param in params:
        value = values.get(param.name)
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and param.name not in _OF_ANY_BYTES and not is_utf8(text):
                name = max(param.opts, key=len) if param.opts[0].startswith("-") else param.metavar
                # The value may be a secret.
                raise UsageError(
                    f"{name or param.name.upper()}: the text is not UTF-8",
                    hint="write it in UTF-8",
                    code="text_not_utf8",
                )


def procedure_of(ctx: Any) -> str:
    """Return a command's name with its groups, e.g. ``machine.rm``, also for an alias."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, ctx.parent.command.table.shown_name(ctx.info_name))
        ctx = ctx.parent
    return ".".join(words)


class PassingOnCommand(Os2Command):
    """A command that passes arguments on to another program."""

    refusal_hint = "put -- before the program: os2 machine exec NAME -- PROGRAM ARGUMENT…"


class CommandTable(Mapping[str, Any]):
    """The commands of a group by name, each imported when it is used.

    ``locations`` are ``module:function`` or ``module:group`` below ``package``, in the order of the
    help; ``aliases`` are hidden names of commands; ``classes`` are for commands that need more than
    an ``Os2Command``.
    """

    def __init__(
        self,
        package: str,
        locations: Mapping[str, str],
        *,
        aliases: Mapping[str, str] | None = None,
        classes: Mapping[str, type[Os2Command]] | None = None,
    ) -> None:
        self.package = package
        self.locations = locations
        self.aliases = aliases or {}
        self.classes = classes or {}
        self._loaded: dict[str, Any] = {}

    def shown_name(self, name: str) -> str:
        """Return the name that help shows for a name or an alias."""
        return self.aliases.get(name, name)

    def __iter__(self) -> Iterator[str]:
        yield from self.locations
        yield from self.aliases

    def __len__(self) -> int:
        return len(self.locations) + len(self.aliases)

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Any:
        shown = self.shown_name(name)
        module, _, attribute = self.locations[shown].partition(":")
        declared = getattr(import_module(f"{self.package}.{module}"), attribute)
        if isinstance(declared, Os2Group):
            return declared
        app = typer.Typer(add_completion=False, rich_markup_mode=_MARKUP)
        class_ = self.classes.get(shown, Os2Command)
        app.command(name, cls=class_, hidden=name in self.aliases)(declared)
        return typer.main.get_command(app)


class Os2Group(TyperGroup):
    """A group of commands with the global flags."""

    table: CommandTable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a failure is this group's."""
        with failing_for(ctx):
            return super().parse_args(ctx, args)

    def use(self, table: CommandTable) -> None:
        """Look commands up in a table."""
        self.table = table
        # Typer only reads the mapping.
        commands: Any = table
        self.commands = commands


def _no_options() -> None:
    pass


def new_group(
    name: str,
    help_text: str,
    table: CommandTable,
    callback: Callable[..., None] = _no_options,
    **kwargs: Any,
) -> Os2Group:
    """Return a group of commands; ``callback`` declares the group's own options."""
    app = typer.Typer(
        name=name,
        cls=Os2Group,
        help=help_text,
        add_completion=False,
        rich_markup_mode=_MARKUP,
        context_settings={"help_option_names": ["-h", "--help"]},
        **kwargs,
    )
    app.callback()(callback)
    group: Any = typer.main.get_command(app)
    group.use(table)
    return cast("Os2Group", group)
