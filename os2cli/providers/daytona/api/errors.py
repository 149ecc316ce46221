"""The API's error responses as our errors, by the statuses and messages that it really returns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

import httpx

from os2cli.core.errors import (
    Conflict,
    NotAuthorised,
    NotFound,
    OperationFailed,
    Os2Error,
    Unreachable,
    UsageError,
)
from os2cli.core.json_text import parse_json
from os2cli.core.redaction import HIDDEN
from os2cli.host.network.failures import problem_of
from os2cli.providers.daytona.api.limits import limit_error
from os2cli.providers.daytona.api.retry import PASSING, limiter

_SHORTEST_SECRET = 4
_MAX_MESSAGE_LENGTH = 500
_MISSING_SNAPSHOT = re.compile(r"(?i)^snapshot .* (not found|is inactive)")

_WRONG_REGION = re.compile(
    r"(?i)^region not found|\bnot available (in region|to the organi[sz]ation)"
)


class LostAnswer(Unreachable):
    """A request that creates something was sent, and its outcome is unknown."""

    default_code = "answer_lost"

    @classmethod
    def of(cls, failure: Os2Error) -> Self:
        """Return the error for an answer that was lost by a failure."""
        return cls(failure.message, hint=failure.hint)


class WayBlocked(Unreachable):
    """No attempt can succeed before a setting of this host or of the server is changed."""


def spellings(secrets: Iterable[str]) -> set[str]:
    """Return the secrets as they are and as JSON spells them, without very short ones."""
    return {
        spelling
        for secret in secrets
        if len(secret) >= _SHORTEST_SECRET
        for spelling in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        )
    }


def redact(text: str, spelled: Iterable[str]) -> str:
    """Return ``text`` without the secrets, in any of the spellings ``spelled``."""
    for spelling in sorted(spelled, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return text


def error_message(response: httpx.Response, secrets: Iterable[str]) -> str:
    """Return the API's ``message``, else its ``error``, else the body; may be empty."""
    # Not in the encoding that the answer names: some are not for text.
    text = response.content.decode(errors="replace")
    try:
        body = parse_json(text)
    except ValueError:
        body = None
    if isinstance(body, dict):
        words = body.get("message") or body.get("error") or body
        # Nest's own validation answers with a list of sentences.
        text = "; ".join(map(_words, words if isinstance(words, list) else [words]))
    elif "<html" in text[:1000].lower():
        text = "a web page"
    text = " ".join(redact(text, secrets).split())
    return text[:_MAX_MESSAGE_LENGTH]


def status_line(status: int, message: str) -> str:
    """Return what Daytona returned: its status, and its message unless that is empty."""
    return f"Daytona returned {status}" + (f": {message}" if message else " (no details)")


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def response_error(
    doing: str, response: httpx.Response, secrets: Iterable[str], needs: str
) -> Os2Error:
    """Return the error for a status of 3xx to 5xx; ``needs`` is the permission the call takes."""
    status, words = response.status_code, error_message(response, secrets)
    returned = status_line(status, words)
    message = f"{doing} failed: {words or returned}"
    if status == 401:
        return NotAuthorised(
            f"Daytona rejected the API key: {words or 'no details'}",
            hint="set DAYTONA_API_KEY to a valid key; check it: os2 doctor",
            code="key_invalid",
        )
    if status in (400, 403, 404) and _WRONG_REGION.search(words):
        return NotFound(
            message,
            hint="set DAYTONA_TARGET to a region that has it, or unset it",
            code="region_not_found",
        )
    # Older servers refuse what exceeds a limit with a 403.
    if status in (400, 403, 422) and (limit := limit_error(message, words)) is not None:
        return limit
    if status == 403:
        needed = f"an API key with the permission {needs}" if needs else "another API key"
        return NotAuthorised(
            f"{doing} is not allowed: {words or 'no details'}",
            hint=f"use {needed}, unless the organisation is suspended; "
            "see its permissions: os2 doctor",
            code="not_permitted",
            details={"permission": needs} if needs else {},
        )
    if status < 400 or (status == 404 and not is_json(response)):
        return _not_the_api(f"{doing} failed: unexpected response: HTTP {status}")
    if status == 404:
        return NotFound(message, hint="it may have been removed, or belong to another organisation")
    if status == 409:
        return Conflict(message, hint="another change is in progress: retry")
    if status in (400, 422):
        return _bad_request(message, words)
    if status >= 500 or status in PASSING:
        return Unreachable(
            f"{doing} failed: {returned}",
            hint="retry in a minute; check the API: os2 doctor",
            code="api_failed",
            transient=True,
        )
    return OperationFailed(
        f"{doing} failed: {returned}",
        hint="check the API: os2 doctor",
        code="request_refused",
    )


def is_json(response: httpx.Response) -> bool:
    """Tell whether a response claims to be JSON, as all of the API's do."""
    return "json" in response.headers.get("content-type", "")


def is_page(response: httpx.Response) -> bool:
    """Tell whether a response is a web page: a proxy's, or the dashboard's."""
    return "html" in response.headers.get("content-type", "")


def _bad_request(message: str, words: str) -> Os2Error:
    if _MISSING_SNAPSHOT.search(words):
        inactive = "inactive" in words
        kind = Conflict if inactive else NotFound
        return kind(
            message,
            hint="list the snapshots: os2 snapshot resolve --explain",
            code="snapshot_inactive" if inactive else "snapshot_not_found",
        )
    if "no available runners" in words.lower():
        return OperationFailed(
            message,
            hint="this region is full: retry later, or set another DAYTONA_TARGET",
            code="no_runner",
        )
    return OperationFailed(message, hint="check the API: os2 doctor", code="request_refused")


def rate_limit_error(doing: str, headers: Mapping[str, str], seconds: float) -> Unreachable:
    """Return the error for a rate limit that lasts longer than the policy waits."""
    return Unreachable(
        f"{doing} failed: Daytona's rate limit{limiter(headers)} is exceeded for {seconds:g} s",
        hint=f"retry in {seconds:g} s",
        code="rate_limited",
        details={"retry_after_seconds": seconds},
        transient=True,
    )


def connection_error(
    doing: str,
    url: str,
    error: Exception,
    secrets: Iterable[str],
    *,
    hint: str = "check the network and DAYTONA_API_URL: os2 doctor",
) -> Unreachable:
    """Return the error for a request to ``url`` without a response."""
    problem = problem_of(error, url)
    kind = WayBlocked if problem.final else Unreachable
    return kind(
        f"{doing} failed: {redact(problem.text, secrets)}",
        hint=problem.hint or hint,
        code=problem.code,
        transient=not problem.final,
    )


def may_have_been_sent(error: Exception) -> bool:
    """Tell whether the API may have received the request that ended in this error."""
    unsent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.InvalidURL,
        httpx.PoolTimeout,
        httpx.ProxyError,
    )
    return not isinstance(error, unsent)


def not_json_error(doing: str, response: httpx.Response) -> Os2Error:
    """Return the error for a success that is not the API's: other paths return the dashboard."""
    kind = response.headers.get("content-type", "no type").partition(";")[0]
    return _not_the_api(f"{doing} failed: unexpected response: {kind}")


def _not_the_api(message: str) -> UsageError:
    return UsageError(
        message,
        hint="set DAYTONA_API_URL to the API's own URL, which ends in /api",
        code="api_url_wrong",
        # From the API itself, it is a proxy's page of an outage.
        transient=True,
    )


def invalid_answer(doing: str, problem: str, *, transient: bool = False) -> OperationFailed:
    """Return the error for an answer that the API's specification does not allow."""
    return OperationFailed(
        f"{doing} failed: invalid answer from Daytona ({problem})",
        hint="retry; if it persists, upgrade os2",
        code="answer_invalid",
        transient=transient,
    )
