"""Another image instead of the one that an argument of ``FROM`` stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.flags import without_flags
from os2cli.snapshots.dockerfile.reading import Reading, Statement
from os2cli.snapshots.dockerfile.shell_words import split_words
from os2cli.snapshots.dockerfile.stages import global_arguments


def is_base_alone(reading: Reading, name: str) -> bool:
    """Return whether the argument is used for nothing but as the whole image of ``FROM``.

    Where it is, another value of it has no other effect on the image.
    """
    word = re.compile(rf"\b{re.escape(name)}\b")
    before = True
    for statement in reading.statements:
        instruction = statement.instruction
        if instruction.keyword == "FROM":
            before = False
            _, base = _base(statement)
            rest = instruction.value.replace(base, "", 1)
            if word.search(rest) or (word.search(base) and not _is_whole(base, name)):
                return False
        elif instruction.keyword == "ARG" and before:
            words = [each[0] for each in split_words(instruction.value, reading.escape)]
            if any(word.search(each.removeprefix(name)) for each in words):
                return False
        elif word.search(instruction.value):
            return False
    return True


def with_base(
    text: str, reading: Reading, name: str, image: str, arguments: Mapping[str, str]
) -> str:
    """Return the text with ``image`` in each ``FROM`` that names an argument's image by it.

    ``arguments`` are the build arguments. Nothing else changes: the argument keeps its value.
    """
    known = global_arguments(reading, arguments)
    parts, done = [], 0
    for start, end in _places(reading, name, known):
        parts += [text[done:start], image]
        done = end
    return "".join([*parts, text[done:]])


def _places(reading: Reading, name: str, known: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    word = re.compile(rf"\b{re.escape(name)}\b")
    for statement in reading.statements:
        if statement.instruction.keyword == "FROM":
            index, base = _base(statement)
            if word.search(base) and resolved(base, reading.escape, known) == known[name]:
                yield statement.offset(index), statement.offset(index + len(base) - 1) + 1


def _base(statement: Statement) -> tuple[int, str]:
    """Return the image as it is written in a ``FROM``, and where in its value that begins."""
    value = statement.instruction.value
    rest = without_flags(value)
    return len(value) - len(rest), (rest.split() or [""])[0]


def _is_whole(base: str, name: str) -> bool:
    return base.strip('"') in (f"${name}", f"${{{name}}}")
