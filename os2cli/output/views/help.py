"""What ``help`` and ``schema`` show, from the declarations in the code."""

from __future__ import annotations

from collections.abc import Callable

from os2cli.core.errors import exit_codes
from os2cli.output import Output
from os2cli.output.documents.help import (
    DocumentedCommands,
    EnvironmentDocument,
    ExitCodesDocument,
    TopicDocument,
    TopicsDocument,
)
from os2cli.output.documents.registry import DOCUMENTS
from os2cli.settings.describe import Declaration, declared_variables

_PRECEDENCE = (
    "An option takes precedence over a variable, a variable over os2.toml in the repository, and "
    "that over ~/.config/os2/config.toml. .env files are never read. os2 config shows the values "
    "in effect."
)
_JSON_RULES = (
    "With --json a command prints one document on stdout, and nothing else. A list is an array, "
    "which may be empty. Every other document, and every item of a list, has schema_version.",
    "Names are snake_case, times RFC 3339 in UTC, sizes bytes and durations seconds. Fields may be "
    "added; schema_version increases when one changes its meaning or is removed.",
    "A command that fails prints the error document instead, with the same exit code. Progress is "
    "on stderr; --progress json makes each of its lines an object.",
    "The JSON Schema of each document:",
)


def show_topics(output: Output) -> None:
    """Show the topics and where to find the rest."""
    topics = [TopicDocument(name=name, about=about) for name, (about, _) in TOPICS.items()]

    def write_text() -> None:
        output.text("os2 help TOPIC explains:\n")
        for name, (about, _) in TOPICS.items():
            output.hanging((f"  {name:<13}",), about)
        output.text("\nos2 COMMAND --help lists a command's options, os2 --help all commands.")

    output.result(TopicsDocument(topics=topics), write_text, names=list(TOPICS))


def show_exit_codes(output: Output) -> None:
    """Show every exit code and its meaning."""
    codes = exit_codes()

    def write_text() -> None:
        for code, meaning in codes.items():
            output.hanging((f"{code:>3}  ",), meaning)

    output.result(ExitCodesDocument.current(), write_text, names=[str(code) for code in codes])


def show_environment(output: Output) -> None:
    """Show every variable: its purpose, its key in a file and its default."""
    declared = declared_variables()

    def write_text() -> None:
        output.hanging((), _PRECEDENCE)
        output.line("")
        width = max(len(d.variable) for d in declared)
        for declaration in declared:
            lead = (declaration.variable.ljust(width), "bold")
            output.hanging((lead, "  "), _described(declaration))

    output.result(EnvironmentDocument.current(), write_text, names=[d.variable for d in declared])


def _described(declaration: Declaration) -> str:
    text = declaration.help
    if declaration.key:
        text += f" ({declaration.key} in a file)"
    return f"{text}. Default: {declaration.default}" if declaration.default else text


def show_json(output: Output) -> None:
    """Show the rules of ``--json`` and the commands that have a schema."""

    def write_text() -> None:
        for rule in _JSON_RULES:
            output.hanging((), rule)
            output.line("")
        for command in DOCUMENTS:
            output.line(f"  os2 schema {command}")

    _show_documented(output, write_text)


def show_documented(output: Output) -> None:
    """Show the commands that have a schema, one per line."""

    def write_text() -> None:
        for command in DOCUMENTS:
            output.line(command)

    _show_documented(output, write_text)


def _show_documented(output: Output, write_text: Callable[[], None]) -> None:
    output.result(DocumentedCommands(commands=list(DOCUMENTS)), write_text, names=list(DOCUMENTS))


Topic = tuple[str, Callable[[Output], None]]
TOPICS: dict[str, Topic] = {
    "exit-codes": ("what the exit code of a command means", show_exit_codes),
    "environment": ("the variables that os2 reads, and the settings of os2.toml", show_environment),
    "json": ("what --json prints, and its schemas", show_json),
}
