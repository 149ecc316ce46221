"""One request to the API: an answer of a limited size, by one deadline."""

from __future__ import annotations

from typing import Any

import httpx

from os2cli.core.deadline import within
from os2cli.core.json_text import parse_json
from os2cli.host.network.bounded import read_start, read_whole
from os2cli.providers.daytona.api.errors import invalid_answer, is_json, not_json_error
from os2cli.providers.daytona.api.retry import RetryPolicy

# A page of snapshots holds the texts of 200 Dockerfiles, of up to 90 kB each.
ANSWER_BYTES = 32 * 1024 * 1024
ERROR_BYTES, ERROR_SECONDS = 256 * 1024, 2.0


def answer(
    http: httpx.Client, method: str, url: str, policy: RetryPolicy, **content: Any
) -> httpx.Response:
    """Send a request once and return its answer; of an error's body, the start is enough.

    Raises:
        AnswerTooLarge: the answer of a success is longer than any of the API's.
        httpx.HTTPError: there is no answer, or it takes longer than the policy allows.
    """
    timeout = httpx.Timeout(policy.answer_seconds, connect=policy.connect_seconds)
    whole = within(policy.whole_seconds)
    with whole, http.stream(method, url, timeout=timeout, **content) as response:
        if response.is_success:
            return read_whole(response, ANSWER_BYTES)
        return read_start(response, ERROR_BYTES, ERROR_SECONDS)


def weight(error: Exception) -> int:
    """Return how many attempts a failure counts as."""
    return 2 if isinstance(error, httpx.TimeoutException) else 1


def json_of(response: httpx.Response, doing: str) -> Any:
    """Return the JSON of an answer; raise ``OperationFailed`` if it has none."""
    if not is_json(response):
        raise not_json_error(doing, response)
    try:
        return parse_json(response.content)
    except ValueError as error:
        # Half an answer: the connection broke, and a proxy hid that.
        raise invalid_answer(doing, "it is not JSON", transient=True) from error
