"""Answers that concurrent checks share: the first asks, the others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from os2cli.core.errors import Os2Error

_Answer = TypeVar("_Answer")


def once(ask: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """Return a function that asks once, and then returns the answer or raises the ``Os2Error``."""
    lock = threading.Lock()
    answers: list[_Answer | Os2Error] = []

    def answer() -> _Answer:
        with lock:
            if not answers:
                try:
                    answers.append(ask())
                except Os2Error as error:
                    answers.append(error)
        (known,) = answers
        if isinstance(known, Os2Error):
            raise known
        return known

    return answer
