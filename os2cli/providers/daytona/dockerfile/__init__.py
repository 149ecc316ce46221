"""A Dockerfile's text: parsed as Docker does, and rewritten for builders that take only text.

::

    instructions(text)                its instructions, with line numbers
    check(text)                       raises for a text that no builder accepts
    with_arguments(text, arguments)   build arguments as the defaults of their ARGs
    entrypoint(text)                  the ENTRYPOINT that the built image has
    with_plain_entrypoint(text)       a text in which a search for ``ENTRYPOINT …`` finds it

    reading      lines, continuations, comments, here-documents
    shell_words  quotes, escapes and variables in one line
    arguments, entrypoints, checks    what builds on them

Syntax: https://docs.docker.com/reference/dockerfile/. If builders differ, this follows the current
BuildKit, except that an unterminated here-document does not count as one.
"""

from __future__ import annotations

from os2cli.providers.daytona.dockerfile.arguments import with_arguments
from os2cli.providers.daytona.dockerfile.checks import check
from os2cli.providers.daytona.dockerfile.entrypoints import entrypoint, with_plain_entrypoint
from os2cli.snapshots.dockerfile.reading import Instruction, instructions

__all__ = [
    "Instruction",
    "check",
    "entrypoint",
    "instructions",
    "with_arguments",
    "with_plain_entrypoint",
]
