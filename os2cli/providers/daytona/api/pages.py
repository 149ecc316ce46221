"""Lists that come in pages: each has one deadline, and an end that the server does not choose."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from typing import TypeVar

from os2cli.core.deadline import within
from os2cli.core.errors import Os2Error, TimedOut
from os2cli.providers.daytona.api.errors import invalid_answer

# Rate limiters may ask for 90 s of these.
LIST_SECONDS = 120.0
MAX_PAGES, MAX_ITEMS = 500, 100_000

_Answer = TypeVar("_Answer")


class Pages:
    """How much of one list has been read; ``doing`` names it in errors.

    Only the time of requests counts: between two pages, a caller may do what it likes.
    """

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self._left = LIST_SECONDS
        self._count = self._items = 0

    def ask(self, request: Callable[[], _Answer]) -> _Answer:
        """Return the answer of a request for one more page.

        Raises:
            OperationFailed: the list is longer than any that os2 reads (``answer_invalid``).
            TimedOut: the list as a whole took too long.
        """
        if self._count >= MAX_PAGES:
            raise self._endless(f"{MAX_PAGES} pages")
        self._count += 1
        began = time.monotonic()
        try:
            with within(max(self._left, 0.0)):
                return request()
        except Os2Error as error:
            if time.monotonic() - began >= self._left:
                raise self._late() from error
            raise
        finally:
            self._left -= time.monotonic() - began

    def add(self, items: Sized) -> None:
        """Count the items of a page."""
        self._items += len(items)
        if self._items > MAX_ITEMS:
            raise self._endless(f"{MAX_ITEMS:,} items")

    def _endless(self, limit: str) -> Os2Error:
        return invalid_answer(self.doing, f"the list has more than {limit}")

    def _late(self) -> TimedOut:
        return TimedOut(
            f"{self.doing} timed out after {LIST_SECONDS:g} s (pages read: {self._count - 1})",
            hint="check the API: os2 doctor",
        )
