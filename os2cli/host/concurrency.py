"""Several requests at once, which a signal does not have to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from os2cli.host.interrupts import BackgroundCall

REQUESTS_AT_ONCE = 8

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def concurrently(do: Callable[[_Item], _Answer], items: Sequence[_Item]) -> list[_Answer]:
    """``do`` each item in a thread, and return the answers in the order of the items.

    A signal ends the waiting at once: unlike a pool's, these threads do not hold up the exit.
    """
    turns = threading.Semaphore(REQUESTS_AT_ONCE)

    def in_turn(item: _Item) -> _Answer:
        with turns:
            return do(item)

    pending = [BackgroundCall(partial(in_turn, item)) for item in items]
    return [each.answer() for each in pending]
