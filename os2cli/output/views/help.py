"""What ``help`` and ``schema`` show, made from what the code itself declares."""

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
    "An option wins over a variable, that over os2.toml in the repository, that over "
    "~/.config/os2/config.toml; .env files are never read. os2 config shows what is in effect."
)
_JSON_RULES = (
    "With --json a command prints one document on stdout, and nothing else there. A list is an "
    "array, empty when there is nothing. Every other document has schema_version, as every item of "
    "a list does.",
    "Names are snake_case, times RFC 3339 in UTC, sizes bytes and durations seconds. Fields may be "
    "added; schema_version grows when one changes its meaning or goes.",
    "A command that fails prints the error document instead, with the same exit code. Progress is "
    "on stderr; --progress json makes each of its lines an object.",
    "The JSON Schema of each document:",
)


def show_topics(output: Output) -> None:
    """The topics and where the rest is told."""

    topics = [TopicDocument(name=name, about=about) for name, (about, _) in TOPICS.items()]

    def write_text() -> None:
        output.line("os2 help TOPIC tells about:\n")
        for name, (about, _) in TOPICS.items():
            output.hanging((f"  {name:<13}",), about)
        output.line("\nos2 COMMAND --help tells what a command takes, os2 --help which there are.")

    output.result(TopicsDocument(topics=topics), write_text, names=list(TOPICS))


def show_exit_codes(output: Output) -> None:
    """Every exit status and what it means."""
    codes = exit_codes()

    def write_text() -> None:
        for code, meaning in codes.items():
            output.hanging((f"{code:>3}  ",), meaning)

    output.result(ExitCodesDocument.current(), write_text, names=[str(code) for code in codes])


def show_environment(output: Output) -> None:
    """Every variable: what it is for, its key in a file and what holds without it."""
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
    words = declaration.help
    if declaration.key:
        words += f" ({declaration.key} in a file)"
    return f"{words}. Default: {declaration.default}" if declaration.default else words


def show_json(output: Output) -> None:
    """The rules of ``--json``, and the commands whose documents are described."""

    def write_text() -> None:
        for rule in _JSON_RULES:
            output.hanging((), rule)
            output.line("")
        for command in DOCUMENTS:
            output.line(f"  os2 schema {command}")

    _show_documented(output, write_text)


def show_documented(output: Output) -> None:
    """What ``schema`` knows, one a line."""

    def write_text() -> None:
        for command in DOCUMENTS:
            output.line(command)

    _show_documented(output, write_text)


def _show_documented(output: Output, write_text: Callable[[], None]) -> None:
    output.result(DocumentedCommands(commands=list(DOCUMENTS)), write_text, names=list(DOCUMENTS))


Topic = tuple[str, Callable[[Output], None]]
TOPICS: dict[str, Topic] = {
    "exit-codes": ("what the exit status of a command means", show_exit_codes),
    "environment": ("the variables that os2 reads, and the settings of os2.toml", show_environment),
    "json": ("what --json prints, and how it is described", show_json),
}
