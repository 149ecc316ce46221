"""A program that runs in a machine, as every provider offers it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from os2cli.core.models import Command, Streams


class Readable(Protocol):
    """A program whose output is read; ``stderr`` and ``exit_code`` are known when it has ended."""

    stderr: bytes
    exit_code: int

    def output(self, command: Command) -> Generator[bytes]:
        """Yield what the program writes to stdout, as it comes; closing the generator ends it."""
        ...


class Execution(Readable, Protocol):
    """A program that is read, or run with streams of the caller's."""

    def run(self, command: Command, streams: Streams) -> int:
        """Run the program to its end and return its exit code."""
        ...
