"""Failures to prepare a base image, each with what to do next."""

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
ENGINE_HINT = "retry; if it fails again, check the engine: os2 doctor"
HINT = "name an image that the engine has or can pull: --base-image IMAGE"


def no_base(why: str, log_tail: tuple[str, ...] = ()) -> OperationFailed:
    """Return the failure for a missing base image; ``why`` names what is missing, in lower case."""
    return OperationFailed(why, hint=HINT, code=UNAVAILABLE, log_tail=log_tail)


def refused(doing: str, message: str, log_tail: tuple[str, ...] = ()) -> Os2Error:
    """Return the failure for an error message of the engine, or of a program on it."""
    if is_disk_full(message, *log_tail):
        return disk_full(doing, log_tail)
    if "exec format error" in "\n".join((*log_tail, message)).lower():
        return no_base(f"{doing}: the engine cannot run programs of that architecture", log_tail)
    return OperationFailed(f"{doing}: {message}", hint=HINT, code=FAILED, log_tail=log_tail)


def lost(doing: str, error: Exception) -> Os2Error:
    """Return the failure for an engine that stopped responding."""
    if isinstance(error, (ReadTimeout, ReadTimeoutError)):
        return TimedOut(f"{doing}: the engine did not respond in time", hint=ENGINE_HINT)
    return Unreachable(f"{doing}: lost the connection to the engine ({error})", hint=ENGINE_HINT)


def engine_errors(doing: str) -> AbstractContextManager[None]:
    """Turn what the Docker SDK raises inside into an ``Os2Error``.

    Raises:
        OperationFailed: the engine rejected the request; ``disk_full`` if it has no space left.
        TimedOut: the engine accepted a request and did not answer.
        Unreachable: the connection to the engine broke.
    """
    return sdk_errors(
        refused=lambda error: refused(doing, explanation(error)),
        lost=lambda error: lost(doing, error),
    )
