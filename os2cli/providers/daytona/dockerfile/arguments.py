"""Build arguments written into the text, for builders that take none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile.reading import Statement, read
from os2cli.providers.daytona.dockerfile.shell_words import quoted, resolved, split_words


def with_arguments(text: str, arguments: Mapping[str, str]) -> str:
    """The text in which every ``ARG`` of a name in ``arguments`` has that value as its default.

    All stages are meant, and what stands before the first ``FROM``. What is not replaced stays
    character by character.

    Raises:
        UsageError: a value holds what no Dockerfile can hold (``build_arg_invalid``), or no ``ARG``
            has a name (``build_arg_unused``). Messages never show a value.
    """
    for name, value in arguments.items():
        _check(name, value)
    reading = read(text)
    changes: list[tuple[int, int, str]] = []
    unused = dict(arguments)
    for statement in reading.statements:
        for name, start, end in _declarations(statement, reading.escape):
            if name in arguments:
                changes.append((start, end, "=" + quoted(arguments[name], reading.escape)))
                unused.pop(name, None)
    for name in unused:
        raise UsageError(
            f"the Dockerfile has no ARG {name}, so --build-arg {name} would change nothing",
            hint=f"write ARG {name} into the stage that uses it, or leave the option out",
            code="build_arg_unused",
        )
    for start, end, replacement in reversed(changes):
        text = text[:start] + replacement + text[end:]
    return text


def _declarations(statement: Statement, escape: str) -> Iterator[tuple[str, int, int]]:
    """The names that an ``ARG`` declares, each with where in the text its default stands.

    The default begins with its ``=``; where there is none the two offsets are equal.
    """
    if statement.instruction.keyword != "ARG":
        return
    for word in split_words(statement.instruction.value, escape):
        name = word[0].partition("=")[0]
        end = word.start() + len(name)
        # After the last character, not before the next: a line break may lie between them.
        start = statement.offset(end - 1) + 1 if name else statement.offset(end)
        yield resolved(name, escape), start, statement.offset(word.end() - 1) + 1


def _check(name: str, value: str) -> None:
    # A tab is read as it is.
    if any(unicodedata.category(sign) == "Cc" and sign != "\t" for sign in value):
        raise UsageError(
            f"the value of --build-arg {name} holds a line break or another control character",
            hint="no Dockerfile can hold one; encode the value, for instance as base64",
            code="build_arg_invalid",
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the value of --build-arg {name} is not UTF-8",
            hint="no Dockerfile can hold it; encode the value, for instance as base64",
            code="build_arg_invalid",
        ) from None
