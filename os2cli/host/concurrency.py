"""Concurrent requests that a signal does not have to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from os2cli.core.errors import Os2Error
from os2cli.host.interrupts import BackgroundCall

REQUESTS_AT_ONCE = 8
# A shell's completion waits no longer.
NAMES_SECONDS = 0.9

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def concurrently(do: Callable[[_Item], _Answer], items: Sequence[_Item]) -> list[_Answer]:
    """Call ``do`` with each item in a thread, and return the answers in the order of the items.

    A signal ends the waiting at once: unlike a pool's, these threads do not hold up the exit.
    """
    turns = threading.Semaphore(REQUESTS_AT_ONCE)

    def in_turn(item: _Item) -> _Answer:
        with turns:
            return do(item)

    pending = [BackgroundCall(partial(in_turn, item)) for item in items]
    return [each.answer() for each in pending]


def outcomes(do: Callable[[_Item], _Answer], items: Sequence[_Item]) -> list[_Answer | Os2Error]:
    """Do the same as ``concurrently``, and return an ``Os2Error`` in place of a missing answer."""

    def attempt(item: _Item) -> _Answer | Os2Error:
        try:
            return do(item)
        except Os2Error as error:
            return error

    return concurrently(attempt, items)


def ask_all(
    providers: Mapping[_Key, Callable[[], _Item]], question: Callable[[_Item], _Answer]
) -> tuple[dict[_Key, _Answer], dict[_Key, Os2Error]]:
    """Return the answer of each provider, and the failures of the others.

    A provider that can't even be created counts as one that failed.
    """
    keys = list(providers)
    results = dict(zip(keys, outcomes(lambda key: question(providers[key]()), keys), strict=True))
    answers = {k: r for k, r in results.items() if not isinstance(r, Os2Error)}
    return answers, {k: r for k, r in results.items() if isinstance(r, Os2Error)}


def names_within(seconds: float, requests: Iterable[Callable[[], Iterable[str]]]) -> list[str]:
    """Return the names, sorted and each once, of the requests that answer within ``seconds``."""
    deadline = time.monotonic() + seconds
    pending = [BackgroundCall(request) for request in requests]
    answers = [each.result_within(max(0.0, deadline - time.monotonic())) for each in pending]
    return sorted({name for names in answers for name in names or ()})
