"""When and after how long a request is retried: one policy for the whole API.

====================================  =====================  ==============================
what happened                         reads, and writes      creates
                                      that are safe to
                                      repeat
====================================  =====================  ==============================
no connection                         retried                retried: nothing was sent
the connection broke, no answer       retried                ``LostAnswer``: look up the name
429                                   after its Retry-After  after its Retry-After
408, 502 to 504, 520 to 530           retried                ``LostAnswer``
401 and all others                    never                  never
====================================  =====================  ==============================

Repeated 401s block the caller's IP address. In a ``Wait`` nothing is retried here: the wait does
it, to its own deadline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from os2cli.core.errors import Os2Error
from os2cli.core.waiting import MIN_ANSWER_SECONDS, Wait

# 520 and above are Cloudflare's: the API behind it did not answer properly.
PASSING = frozenset({408, 502, 503, 504, *range(520, 531)})
TOO_MANY = 429
_RETRY_AFTER = re.compile(r"(?i)retry-after(?:-(?P<limiter>.+))?")
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_DEFAULT_WAIT_SECONDS = 5.0
# Without a minimum, a limiter that always says 0 would be asked without a pause.
_MIN_WAIT_SECONDS = 1.0
_MAX_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent at most, and how long the API may be silent.

    A long answer over a slow line is not silence: ``whole_seconds`` limits all of it. A timeout
    counts as two attempts. ``longest_wait_seconds`` limits what the API's rate limiters may ask for
    in all.
    """

    attempts: int = 4
    answer_seconds: float = 10.0
    whole_seconds: float = 30.0
    connect_seconds: float = 5.0
    longest_wait_seconds: float = 90.0

    def is_spent(self, failures: int, waited: float, took: float) -> bool:
        """Return whether there is no attempt left, or no time for the pauses asked for.

        ``took`` is the last attempt's time: what has taken all of it is not tried again.
        """
        return (
            failures >= self.attempts
            or waited > self.longest_wait_seconds
            or took >= self.whole_seconds
        )


DEFAULT = RetryPolicy()
# Creating a sandbox takes up to 30 s to answer.
CREATING = RetryPolicy(answer_seconds=65.0, whole_seconds=70.0)
# For rolling back while the user waits for the command to end, and for checks with a deadline.
FAST = RetryPolicy(
    attempts=1,
    answer_seconds=2.5,
    whole_seconds=4.5,
    connect_seconds=2.0,
    longest_wait_seconds=0.0,
)


def patience(policy: RetryPolicy, wait: Wait | None) -> RetryPolicy:
    """Return the policy inside a wait: one attempt, which ends with the wait."""
    if wait is None:
        return policy
    answer = min(policy.answer_seconds, max(wait.left, MIN_ANSWER_SECONDS))
    return replace(
        policy,
        attempts=1,
        answer_seconds=answer,
        connect_seconds=min(policy.connect_seconds, answer),
        longest_wait_seconds=0.0,
    )


class Retryable(Exception):
    """A failed attempt that counts as ``weight`` of ``RetryPolicy.attempts``.

    ``seconds`` is the pause that the API asks for.
    """

    def __init__(self, failure: Os2Error, *, weight: int = 1, seconds: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.weight = weight
        self.seconds = seconds


def pause(failures: int) -> float:
    """Return the seconds to wait after this number of failures: 0.3, 0.9, 2.7."""
    return 0.3 * 3.0 ** (failures - 1)


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that a 429 asks to wait.

    Each limiter appends its name to the header (``Retry-After-sandbox-create``); the longest wait
    counts.
    """
    return min(max(_longest(headers)[0], _MIN_WAIT_SECONDS), _MAX_WAIT_SECONDS)


def limiter(headers: Mapping[str, str]) -> str:
    """Return the limiter that asks to wait, e.g. `` of sandbox-create``; empty if unnamed."""
    name = _longest(headers)[1]
    return f" of {name}" if name else ""


def _longest(headers: Mapping[str, str]) -> tuple[float, str]:
    matches = ((_RETRY_AFTER.fullmatch(name), value.strip()) for name, value in headers.items())
    waits = [
        (float(value) if _SECONDS.fullmatch(value) else _DEFAULT_WAIT_SECONDS, match["limiter"])
        for match, value in matches
        if match
    ]
    seconds, name = max(waits, key=lambda wait: wait[0], default=(_DEFAULT_WAIT_SECONDS, None))
    return seconds, (name or "").lower()
