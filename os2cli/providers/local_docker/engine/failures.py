"""What the Docker SDK raises, as failures of ours: one list of its exceptions for every caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docker.errors import DockerException, StreamParseError
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from os2cli.core.errors import OperationFailed

# The SDK's own, those of requests and urllib3 that it lets through, and the system's.
SDK_ERRORS = (DockerException, StreamParseError, RequestException, HTTPError, OSError)


@contextmanager
def sdk_errors(
    refused: Callable[[Exception], Exception], lost: Callable[[Exception], Exception]
) -> Iterator[None]:
    """Raise what ``refused`` or ``lost`` makes of an exception that the SDK raises inside.

    ``refused`` gets what the engine answered and what the SDK itself rejects; ``lost`` gets what
    broke the connection.
    """
    try:
        yield
    except (DockerException, StreamParseError) as error:
        raise refused(error) from error
    except (RequestException, HTTPError, OSError) as error:
        raise lost(error) from error


def explanation(error: Exception) -> str:
    """Return the engine's own words, or the SDK's where the engine did not answer."""
    return str(getattr(error, "explanation", None) or error).strip()


def is_disk_full(*texts: str) -> bool:
    """Return whether the engine, or a program on it, ran out of disk space."""
    return any("no space left on device" in text.lower() for text in texts)


def disk_full(step: str, log_tail: tuple[str, ...] = ()) -> OperationFailed:
    """Return the failure of a step for which the engine's disk has no space left."""
    return OperationFailed(
        f"{step}: the engine's disk is full",
        hint="free some space: docker system df shows what uses it",
        code="disk_full",
        log_tail=log_tail,
    )
