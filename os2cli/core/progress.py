"""How long operations speak: an argument whose default is silence.

Providers and use cases take a ``Progress`` and never print; what a person sees is decided by
``os2cli.output``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """The listener that ignores everything; subclasses override what they show."""

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Mark the time spent inside as one phase, e.g. ``build image``."""
        del title
        yield

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Say what the current phase is at, with a count when one is known."""

    def transfer(self, text: str, done: int, total: int) -> None:
        """Say how many bytes of how many have been sent."""

    def log(self, line: str) -> None:
        """Pass on one line of the operation's own log, hidden unless it fails or ``-v``."""

    def notice(self, message: str) -> None:
        """Tell something that the user should know although nothing is wrong."""

    def warn(self, message: str) -> None:
        """Tell something that is probably not what the user wants."""


SILENT = Progress()
