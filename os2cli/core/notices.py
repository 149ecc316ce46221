"""Warnings about this host's surroundings, each reported once in a process.

Rooms below the output find them, often long before or after a command has an output.
"""

from __future__ import annotations

from collections.abc import Callable

_Report = Callable[[str, str | None], None]


class Notices:
    """Keeps warnings until ``listen`` names who reports them."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}
        self._report: _Report | None = None

    def listen(self, report: _Report) -> None:
        """Report the warnings so far, and all further ones, with ``report(text, hint)``."""
        earlier = list(self._known.items()) if self._report is None else []
        self._report = report
        for text, hint in earlier:
            report(text, hint)

    def warn(self, text: str, hint: str | None = None) -> None:
        """Report a warning, unless this process already has."""
        if text in self._known:
            return
        self._known[text] = hint
        if self._report is not None:
            self._report(text, hint)


NOTICES = Notices()
