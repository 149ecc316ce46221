"""The failures of this package in our words, each with what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from os2cli.core.errors import OperationFailed, Os2Error, TimedOut, Unreachable

UNAVAILABLE = "base_unavailable"
FAILED = "base_failed"
ENGINE_HINT = "try again; when that fails, see what is wrong: os2 doctor"
HINT = "name an image that the engine has or can pull: --base-image IMAGE"


def no_base(why: str, log_tail: tuple[str, ...] = ()) -> OperationFailed:
    """There is nothing to build on; ``why`` starts in lower case and names what is missing."""
    return OperationFailed(why, hint=HINT, code=UNAVAILABLE, log_tail=log_tail)


def refused(doing: str, said: str, log_tail: tuple[str, ...] = ()) -> Os2Error:
    """The engine, or what ran on it, answered ``said`` to what we were ``doing``."""
    everything = "\n".join((*log_tail, said)).lower()
    if "no space left on device" in everything:
        return OperationFailed(
            f"{doing}: the engine's disk is full",
            hint="free some space: docker system df shows what takes it",
            code="disk_full",
            log_tail=log_tail,
        )
    if "exec format error" in everything:
        return no_base(f"{doing}: the engine can't run programs of that architecture", log_tail)
    return OperationFailed(f"{doing}: {said}", hint=HINT, code=FAILED, log_tail=log_tail)


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what the Docker SDK raises inside into an ``Os2Error``.

    Raises:
        OperationFailed: the engine refused; ``disk_full`` when it has no space left.
        TimedOut: the engine took a request and stayed silent.
        Unreachable: the engine stopped answering.
    """
    from docker.errors import APIError, DockerException
    from requests.exceptions import ReadTimeout, RequestException
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        yield
    except APIError as error:
        raise refused(doing, str(error.explanation or error)) from error
    except (ReadTimeout, ReadTimeoutError) as error:
        raise TimedOut(f"{doing}: the engine was silent for too long", hint=ENGINE_HINT) from error
    except (RequestException, HTTPError) as error:
        raise Unreachable(
            f"{doing}: the engine stopped answering ({error})", hint=ENGINE_HINT
        ) from error
    except DockerException as error:
        raise refused(doing, str(error)) from error
