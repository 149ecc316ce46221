"""The build stages of a Dockerfile, and the arguments before them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.flags import without_flags
from os2cli.snapshots.dockerfile.reading import Instruction, Reading
from os2cli.snapshots.dockerfile.shell_words import split_words


@dataclass(frozen=True, slots=True)
class Stage:
    """A ``FROM`` and what follows it.

    ``base`` is an image or an earlier stage, as it was written; ``name`` is in lower case, and
    empty if the stage has none. ``body`` are its other instructions, ``first`` is the index of the
    line of its ``FROM``.
    """

    base: str
    name: str
    body: tuple[Instruction, ...]
    first: int


def stages(reading: Reading) -> list[Stage]:
    """Return the stages in their order."""
    found: list[tuple[Instruction, list[Instruction]]] = []
    for instruction in reading.instructions:
        if instruction.keyword == "FROM":
            found.append((instruction, []))
        elif found:
            found[-1][1].append(instruction)
    return [_stage(start, body) for start, body in found]


def global_arguments(
    reading: Reading, given: Mapping[str, str], platform: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Return the arguments that ``FROM`` may use, with the values ``given`` or their defaults.

    ``platform`` are those that builders set themselves, such as ``TARGETARCH``.
    """
    arguments = dict(platform)
    for instruction in reading.instructions:
        if instruction.keyword == "FROM":
            break
        if instruction.keyword == "ARG":
            arguments |= declared_arguments(instruction, reading.escape, arguments, given)
    return arguments


def global_names(reading: Reading) -> set[str]:
    """Return the names of the arguments before the first ``FROM``, also of those without values."""
    names = set[str]()
    for instruction in reading.instructions:
        if instruction.keyword == "FROM":
            break
        if instruction.keyword == "ARG":
            names |= argument_names(instruction, reading.escape)
    return names


def argument_names(instruction: Instruction, escape: str) -> set[str]:
    """Return the names that an ``ARG`` declares."""
    words = split_words(instruction.value, escape)
    return {resolved(word[0].partition("=")[0], escape) for word in words}


def _stage(start: Instruction, body: list[Instruction]) -> Stage:
    words = without_flags(start.value).split()
    name = words[2] if len(words) == 3 and words[1].upper() == "AS" else ""
    return Stage(words[0] if words else "", name.lower(), tuple(body), start.first)


def declared_arguments(
    instruction: Instruction, escape: str, before: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the arguments of an ``ARG``, with the values ``given`` or their defaults."""
    declared: dict[str, str] = {}
    for word in split_words(instruction.value, escape):
        written, has_default, default = word[0].partition("=")
        name = resolved(written, escape)
        if name in given:
            declared[name] = given[name]
        elif has_default:
            declared[name] = resolved(default, escape, ChainMap(declared, dict(before)))
    return declared
