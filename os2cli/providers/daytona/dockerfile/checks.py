"""Errors in a Dockerfile that are found without a builder."""

from __future__ import annotations

import difflib

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.reading import Instruction, instructions

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
    """Reject a Dockerfile with an unknown instruction or without a ``FROM``.

    Raises:
        UsageError: ``dockerfile_invalid``, with the line number.
    """
    parsed = instructions(text)
    for instruction in parsed:
        if instruction.keyword not in _KEYWORDS:
            raise _unknown(instruction)
    if all(instruction.keyword != "FROM" for instruction in parsed):
        last = text.count("\n") + (not text.endswith("\n"))
        raise UsageError(
            f"the Dockerfile, line {last}: end of file without a FROM",
            hint="start it with FROM and the image to build on",
            code="dockerfile_invalid",
        )


def _unknown(instruction: Instruction) -> UsageError:
    word = instruction.keyword
    near = difflib.get_close_matches(word[:_SHOWN_CHARACTERS], _KEYWORDS, n=1)
    other = (
        "end the line before with \\ if this continues it;"
        " the syntax: https://docs.docker.com/reference/dockerfile/"
    )
    shown = word if len(word) <= _SHOWN_CHARACTERS else word[:_SHOWN_CHARACTERS] + "…"
    return UsageError(
        f"the Dockerfile, line {instruction.first + 1}: unknown instruction {shown}",
        hint=f"did you mean {near[0]}?" if near else other,
        code="dockerfile_invalid",
    )
