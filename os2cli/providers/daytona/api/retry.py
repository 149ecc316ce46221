"""When a request is sent again, and after how long: one policy for the whole API.

====================================  =====================  ==============================
what happened                         reads, and writes       creates
                                      that may run twice
====================================  =====================  ==============================
no connection was made                again                   again: nothing was sent
the connection broke, no answer       again                   ``LostAnswer``: ask by name first
429                                   after what it says      after what it says
502, 503, 504                         again                   ``LostAnswer``
401 and every other                   never                   never
====================================  =====================  ==============================

Repeated 401s block the caller's whole IP address, so that one is never retried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from os2cli.core.errors import Os2Error

PASSING = frozenset({502, 503, 504})
TOO_MANY = 429
_RETRY_AFTER = re.compile(r"(?i)retry-after(?:-(?P<limiter>.+))?")
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_DEFAULT_WAIT_SECONDS = 5.0
# One that asks for no wait again and again would be asked for ever, and without a pause.
_LEAST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one request may keep silent, in seconds, and how often it is sent at most.

    A long answer over a slow line is no silence. One without an answer in time counts twice.
    ``longest_wait_seconds`` is what the API's limiters may ask for in all.
    """

    attempts: int = 4
    answer_seconds: float = 10.0
    connect_seconds: float = 5.0
    longest_wait_seconds: float = 90.0


DEFAULT = RetryPolicy()
# A create answers after up to 30 s.
CREATING = RetryPolicy(answer_seconds=65.0)
# For undoing while somebody waits for the command to end, and for checks that have a deadline.
FAST = RetryPolicy(attempts=1, answer_seconds=2.5, connect_seconds=2.0, longest_wait_seconds=0.0)


class Retryable(Exception):
    """An attempt failed in a way that another one may not.

    It uses up ``weight`` of ``RetryPolicy.attempts``. ``seconds`` is the pause that the API itself
    asks for.
    """

    def __init__(self, failure: Os2Error, *, weight: int = 1, seconds: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.weight = weight
        self.seconds = seconds


def pause(failures: int) -> float:
    """Seconds after so many failed attempts: 0.3, 0.9, 2.7."""
    return 0.3 * 3.0 ** (failures - 1)


def retry_after(headers: Mapping[str, str]) -> float:
    """What a 429 asks to wait, in seconds.

    Each limiter sends a header with its own name behind it (``Retry-After-sandbox-create``); when
    several are there, the longest counts.
    """
    return max(_longest(headers)[0], _LEAST_WAIT_SECONDS)


def limiter(headers: Mapping[str, str]) -> str:
    """The limiter that asks for the wait, e.g. `` of sandbox-create``; empty when none is named."""
    name = _longest(headers)[1]
    return f" of {name}" if name else ""


def _longest(headers: Mapping[str, str]) -> tuple[float, str]:
    found = ((_RETRY_AFTER.fullmatch(name), value.strip()) for name, value in headers.items())
    waits = [
        (float(value) if _SECONDS.fullmatch(value) else _DEFAULT_WAIT_SECONDS, match["limiter"])
        for match, value in found
        if match
    ]
    seconds, name = max(waits, key=lambda wait: wait[0], default=(_DEFAULT_WAIT_SECONDS, None))
    return seconds, (name or "").lower()
