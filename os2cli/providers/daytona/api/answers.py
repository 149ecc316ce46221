"""One request to the API: an answer of a limited size, by one deadline."""

from __future__ import annotations

from typing import Any

import httpx

from os2cli.core.deadline import seconds_left, within
from os2cli.host.network.bounded import read_start, read_whole
from os2cli.providers.daytona.api.retry import RetryPolicy

# A page of snapshots holds the texts of 200 Dockerfiles, of up to 90 kB each.
ANSWER_BYTES = 32 * 1024 * 1024
ERROR_BYTES, ERROR_SECONDS = 256 * 1024, 2.0


class OutOfTime(httpx.ReadTimeout):
    """The answer as a whole took too long, although the API was not silent."""


def answer(
    http: httpx.Client, method: str, url: str, policy: RetryPolicy, **content: Any
) -> httpx.Response:
    """Send a request once and return its answer; of an error's body, the start is enough.

    Raises:
        AnswerTooLarge: the answer of a success is longer than any of the API's.
        httpx.HTTPError: there is no answer, or it takes longer than the policy allows.
    """
    timeout = httpx.Timeout(policy.answer_seconds, connect=policy.connect_seconds)
    with within(policy.whole_seconds):
        try:
            with http.stream(method, url, timeout=timeout, **content) as response:
                if response.is_success:
                    return read_whole(response, ANSWER_BYTES)
                return read_start(response, ERROR_BYTES, ERROR_SECONDS)
        except httpx.ReadTimeout as error:
            if seconds_left() != 0:
                raise
            raise OutOfTime(str(error)) from error


def weight(error: Exception, policy: RetryPolicy) -> int:
    """Return how many attempts a failure counts as: what has taken all of the time is final."""
    if isinstance(error, OutOfTime):
        return policy.attempts
    return 2 if isinstance(error, httpx.TimeoutException) else 1
