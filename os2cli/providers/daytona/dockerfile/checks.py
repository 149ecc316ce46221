"""What is wrong with a Dockerfile before any builder has seen it."""

from __future__ import annotations

import difflib

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile.reading import Instruction, instructions

_KEYWORDS = (
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)
_SHOWN_CHARACTERS = 24


def check(text: str) -> None:
    """Find what ends every build at once: an unknown instruction, or no ``FROM`` at all.

    Raises:
        UsageError: ``dockerfile_invalid``, with the number of the line.
    """
    found = instructions(text)
    for instruction in found:
        if instruction.keyword not in _KEYWORDS:
            raise _unknown(instruction)
    if all(instruction.keyword != "FROM" for instruction in found):
        last = text.count("\n") + (not text.endswith("\n"))
        raise UsageError(
            f"the Dockerfile has no FROM up to its end in line {last}",
            hint="begin it with FROM and the image to build on",
            code="dockerfile_invalid",
        )


def _unknown(instruction: Instruction) -> UsageError:
    word = instruction.keyword
    near = difflib.get_close_matches(word, _KEYWORDS, n=1)
    other = (
        "if it belongs to the line before, that one has to end with \\;"
        " else see https://docs.docker.com/reference/dockerfile/"
    )
    shown = word if len(word) <= _SHOWN_CHARACTERS else word[:_SHOWN_CHARACTERS] + "…"
    return UsageError(
        f"the Dockerfile, line {instruction.first + 1}: {shown} is no instruction",
        hint=f"did you mean {near[0]}?" if near else other,
        code="dockerfile_invalid",
    )
