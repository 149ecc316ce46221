"""Progress reports of long operations: an argument whose default is silence.

Providers and use cases take a ``Progress`` and never print; ``os2cli.output`` decides what to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """A listener that ignores everything; subclasses override what they show."""

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Mark the time spent in the block as one phase, e.g. ``build image``.

        ``--progress json`` prints ``title`` as it is; people read ``output.phase_titles``.
        """
        del title
        yield

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Report what the current phase is doing, with a count when one is known."""

    def transfer(self, text: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` bytes have been sent."""

    def log(self, line: str) -> None:
        """Pass on a line of the operation's own log, hidden unless it fails or with ``-v``."""

    def notice(self, message: str) -> None:
        """Report something that the user should know although nothing is wrong."""

    def warn(self, message: str) -> None:
        """Report something that is probably not what the user wants."""


SILENT = Progress()
