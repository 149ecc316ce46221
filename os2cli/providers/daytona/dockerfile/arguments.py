"""Build arguments written into the text, for builders that do not take them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from os2cli.core.errors import UsageError
from os2cli.core.redaction import mask_tokens
from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.reading import Statement, read
from os2cli.snapshots.dockerfile.shell_words import quoted, split_words


def with_arguments(text: str, arguments: Mapping[str, str]) -> str:
    """Return the text with ``arguments`` as the defaults of its ``ARG`` instructions.

    That includes every stage, and the part before the first ``FROM``. The rest stays as it is.

    Raises:
        UsageError: a value does not fit into a Dockerfile (``build_arg_invalid``), or a name has
            no ``ARG`` (``build_arg_unused``). Messages never show a value.
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
            f"--build-arg {mask_tokens(name)}: the Dockerfile has no ARG {mask_tokens(name)}",
            hint=f"add ARG {mask_tokens(name)} to the stage that uses it, or leave the option out",
            code="build_arg_unused",
        )
    parts, done = [], 0
    for start, end, replacement in changes:
        parts += [text[done:start], replacement]
        done = end
    return "".join([*parts, text[done:]])


def _declarations(statement: Statement, escape: str) -> Iterator[tuple[str, int, int]]:
    """Yield each name that an ``ARG`` declares, and the offsets of its default in the text.

    The default includes its ``=``; without a default the offsets are equal.
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
    # Docker takes a tab as it is.
    if any(unicodedata.category(sign) == "Cc" and sign != "\t" for sign in value):
        raise UsageError(
            f"--build-arg {name}: the value holds a line break or another control character",
            hint="encode the value, for example as base64",
            code="build_arg_invalid",
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"--build-arg {name}: the value is not UTF-8",
            hint="encode the value, for example as base64",
            code="build_arg_invalid",
        ) from None
