"""The failures of this package in our words, each with what to do next."""

from __future__ import annotations

from contextlib import AbstractContextManager

from requests.exceptions import ReadTimeout
from urllib3.exceptions import ReadTimeoutError

from os2cli.core.errors import OperationFailed, Os2Error, TimedOut, Unreachable
from os2cli.providers.local_docker.engine.failures import (
    disk_full,
    explanation,
    is_disk_full,
    sdk_errors,
)

UNAVAILABLE = "base_unavailable"
FAILED = "base_failed"
ENGINE_HINT = "try again; when that fails, see what is wrong: os2 doctor"
HINT = "name an image that the engine has or can pull: --base-image IMAGE"


def no_base(why: str, log_tail: tuple[str, ...] = ()) -> OperationFailed:
    """There is nothing to build on; ``why`` starts in lower case and names what is missing."""
    return OperationFailed(why, hint=HINT, code=UNAVAILABLE, log_tail=log_tail)


def refused(doing: str, message: str, log_tail: tuple[str, ...] = ()) -> Os2Error:
    """Return the failure for what the engine, or a program on it, answered to a step."""
    if is_disk_full(message, *log_tail):
        return disk_full(doing, log_tail)
    if "exec format error" in "\n".join((*log_tail, message)).lower():
        return no_base(f"{doing}: the engine can't run programs of that architecture", log_tail)
    return OperationFailed(f"{doing}: {message}", hint=HINT, code=FAILED, log_tail=log_tail)


def lost(doing: str, error: Exception) -> Os2Error:
    """Return the failure for an engine that stopped answering, or stayed silent."""
    if isinstance(error, (ReadTimeout, ReadTimeoutError)):
        return TimedOut(f"{doing}: the engine was silent for too long", hint=ENGINE_HINT)
    return Unreachable(f"{doing}: the engine stopped answering ({error})", hint=ENGINE_HINT)


def engine_errors(doing: str) -> AbstractContextManager[None]:
    """Turn what the Docker SDK raises inside into an ``Os2Error``.

    Raises:
        OperationFailed: the engine refused; ``disk_full`` when it has no space left.
        TimedOut: the engine took a request and stayed silent.
        Unreachable: the engine stopped answering.
    """
    return sdk_errors(
        refused=lambda error: refused(doing, explanation(error)),
        lost=lambda error: lost(doing, error),
    )
