"""The API's refusals as failures of ours: the statuses and words that it really answers with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

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
from os2cli.core.redaction import HIDDEN
from os2cli.providers.daytona.api.retry import limiter

_SHORTEST_SECRET = 4
_MAX_MESSAGE_LENGTH = 500
_QUOTA = re.compile(r"(?i)\b(limit|quota) exceeded\b|maximum allowed")
_MISSING_SNAPSHOT = re.compile(r"(?i)^snapshot .* (not found|is inactive)")


class LostAnswer(Unreachable):
    """A request that makes something was sent, and whether it took is not known."""

    default_code = "answer_lost"


def spellings(secrets: Iterable[str]) -> set[str]:
    """The secrets as they are and as they stand in JSON; very short ones are not worth hiding."""
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
    """``text`` without any of the secrets, spelled out: a server may repeat what it was sent."""
    for spelling in sorted(spelled, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return text


def error_message(response: httpx.Response, secrets: Iterable[str]) -> str:
    """Return the API's ``message``, else its ``error``, else the body; may be empty."""
    text = response.text
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
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
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def response_error(
    doing: str, response: httpx.Response, secrets: Iterable[str], needs: str
) -> Os2Error:
    """Return the error for a status of 3xx to 5xx; ``needs`` is the permission the call takes."""
    status, words = response.status_code, error_message(response, secrets)
    returned = status_line(status, words)
    message = f"{doing} failed: {words or returned}"
    if status == 401:
        return NotAuthorised(
            f"Daytona does not accept the key: {words or 'no details'}",
            hint="set DAYTONA_API_KEY to a key that is valid; os2 doctor looks at it",
            code="key_invalid",
        )
    if status == 403:
        wanted = f"the key needs the permission {needs}" if needs else "the key may not do that"
        return NotAuthorised(
            f"{doing} is not allowed: {words or 'no details'}",
            hint=f"{wanted}, unless the organisation is suspended; os2 doctor shows what it has",
            code="not_permitted",
            details={"permission": needs} if needs else {},
        )
    if status < 400 or (status == 404 and not is_json(response)):
        return _not_the_api(f"{doing} failed: the answer is HTTP {status}, not an API's")
    if status == 404:
        return NotFound(message, hint="it may have been removed, or belong to somebody else")
    if status == 409:
        return Conflict(message, hint="something else changes it at this moment: try again")
    if status in (400, 422):
        return _bad_request(message, words)
    if status >= 500:
        return Unreachable(
            f"{doing} failed: {returned}",
            hint="try again in a minute; os2 doctor looks at the API",
            code="api_failed",
        )
    return OperationFailed(
        f"{doing} failed: {returned}",
        hint="this is what Daytona says; os2 doctor looks at it",
        code="request_refused",
    )


def is_json(response: httpx.Response) -> bool:
    """Whether an answer says that it is JSON: everything of the API's is."""
    return "json" in response.headers.get("content-type", "")


def _bad_request(message: str, words: str) -> Os2Error:
    if _MISSING_SNAPSHOT.search(words):
        inactive = "inactive" in words
        kind = Conflict if inactive else NotFound
        return kind(
            message,
            hint="os2 snapshot resolve --explain shows the snapshots that there are",
            code="snapshot_inactive" if inactive else "snapshot_not_found",
        )
    if _QUOTA.search(words):
        return OperationFailed(
            message,
            hint="remove what is no longer needed, or have the organisation's limit raised",
            code="quota_exceeded",
        )
    if "no available runners" in words.lower():
        return OperationFailed(
            message,
            hint="Daytona has no room there now: try again later, or set another DAYTONA_TARGET",
            code="no_runner",
        )
    return OperationFailed(
        message, hint="this is what Daytona says; os2 doctor looks at it", code="request_refused"
    )


def rate_limit_error(doing: str, headers: Mapping[str, str], seconds: float) -> Unreachable:
    """A limiter asks for a longer wait than the policy allows."""
    return Unreachable(
        f"{doing} failed: Daytona's rate limit{limiter(headers)} holds for {seconds:g} s more",
        hint=f"try again in {seconds:g} s",
        code="rate_limited",
        details={"retry_after_seconds": seconds},
    )


def connection_error(doing: str, url: str, error: Exception, secrets: Iterable[str]) -> Unreachable:
    """The failure for a request that got no answer at all."""
    late = isinstance(error, httpx.TimeoutException)
    why = "no answer in time" if late else redact(str(error), secrets) or type(error).__name__
    host = url.partition("://")[2].partition("/")[0]
    hint = "look at the network and DAYTONA_API_URL; os2 doctor helps"
    if "CERTIFICATE_VERIFY_FAILED" in why:
        hint = "a proxy that inspects TLS needs its authority in SSL_CERT_FILE"
    return Unreachable(f"{doing} failed: {host} can't be reached: {why}", hint=hint)


def may_have_been_sent(error: Exception) -> bool:
    """Whether the API may have got the request that ended in this error."""
    unsent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.InvalidURL,
        httpx.PoolTimeout,
        httpx.ProxyError,
    )
    return not isinstance(error, unsent)


def not_json_error(doing: str, response: httpx.Response) -> Os2Error:
    """A success that is not the API's: every path outside of it answers with the dashboard."""
    kind = response.headers.get("content-type", "no type").partition(";")[0]
    return _not_the_api(f"{doing} failed: the answer is {kind}, not an API's")


def _not_the_api(message: str) -> UsageError:
    return UsageError(
        message,
        hint="DAYTONA_API_URL must be the API's own address, which ends in /api",
        code="api_url_wrong",
    )


def invalid_answer(doing: str, problem: str) -> OperationFailed:
    """An answer that the API's specification does not allow."""
    return OperationFailed(
        f"{doing} failed: Daytona's answer can't be read ({problem})",
        hint="try again; if it stays so, os2 or the API is too old for the other",
        code="answer_invalid",
    )
