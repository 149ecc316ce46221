"""The exceptions of the Docker SDK, and how they become ``Os2Error``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from docker.errors import DockerException, StreamParseError
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from os2cli.core.cancellation import Interrupted
from os2cli.core.deadline import apart
from os2cli.core.errors import OperationFailed, Os2Error

TIDYING_SECONDS = 10.0
# The user has asked to stop: an engine that hangs is noticed, one that answers is waited for.
HURRIED_SECONDS = 1.0


class ConnectionLost(DockerException):
    """A stream that ended before the engine had sent all of it."""


# The SDK's own, those of requests and urllib3 that it passes on, and the system's.
SDK_ERRORS = (DockerException, StreamParseError, RequestException, HTTPError, OSError)


@contextmanager
def sdk_errors(
    refused: Callable[[Exception], Exception], lost: Callable[[Exception], Exception]
) -> Iterator[None]:
    """Turn exceptions of the SDK in the block into what ``refused`` or ``lost`` returns.

    ``refused`` gets the engine's error responses and the SDK's own errors; ``lost`` gets errors of
    the connection.
    """
    try:
        yield
    except ConnectionLost as error:
        raise lost(error) from error
    except (DockerException, StreamParseError) as error:
        raise refused(error) from error
    except (RequestException, HTTPError, OSError) as error:
        raise lost(error) from error


@contextmanager
def tidying() -> Iterator[None]:
    """Ignore what goes wrong in the block, which only tidies up, and end it after some seconds.

    They are its own: a deadline that has passed is often why there is something to tidy up.
    """
    interrupted = isinstance(sys.exc_info()[1], Interrupted)
    with (
        suppress(Os2Error, *SDK_ERRORS),
        apart(HURRIED_SECONDS if interrupted else TIDYING_SECONDS),
    ):
        yield


def explanation(error: Exception) -> str:
    """Return the engine's message, or the SDK's if the engine did not answer."""
    return str(getattr(error, "explanation", None) or error).strip()


def is_disk_full(*texts: str) -> bool:
    """Return whether a message of the engine, or of a program on it, reports a full disk."""
    return any("no space left on device" in text.lower() for text in texts)


def disk_full(step: str, log_tail: tuple[str, ...] = ()) -> OperationFailed:
    """Return the failure of a step for which the engine has no disk space."""
    return OperationFailed(
        f"{step}: the engine's disk is full",
        hint="free some space: docker system df shows what uses it",
        code="disk_full",
        log_tail=log_tail,
    )
