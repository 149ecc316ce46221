"""A Dockerfile's text: read as Docker reads it, and rewritten for builders that take only text.

::

    instructions(text)                what stands there, with line numbers
    check(text)                       raises for what no builder would begin with
    with_arguments(text, arguments)   build arguments as the defaults of their ARGs
    entrypoint(text)                  the ENTRYPOINT that the built image has
    with_plain_entrypoint(text)       the same where a search for ``ENTRYPOINT …`` finds it

    reading      lines, continuations, comments, here-documents
    words        quotes, escapes and variables in one line
    arguments, entrypoints, checks    what is made of them

The syntax: https://docs.docker.com/reference/dockerfile/. Where builders differ, the current
BuildKit's way is taken, except that a here-document without an end is none.
"""

from __future__ import annotations

from os2cli.providers.daytona.dockerfile.arguments import with_arguments
from os2cli.providers.daytona.dockerfile.checks import check
from os2cli.providers.daytona.dockerfile.entrypoints import entrypoint, with_plain_entrypoint
from os2cli.providers.daytona.dockerfile.reading import Instruction, instructions

__all__ = [
    "Instruction",
    "check",
    "entrypoint",
    "instructions",
    "with_arguments",
    "with_plain_entrypoint",
]
