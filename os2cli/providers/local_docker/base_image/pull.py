"""Pulling an image: progress, deadlines, and what a failure means."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

import docker

from os2cli.core.errors import NotAuthorised, NotFound, Os2Error, Unreachable
from os2cli.core.progress import Progress
from os2cli.providers.local_docker.base_image.failures import HINT, UNAVAILABLE, lost, refused
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.failures import explanation, sdk_errors

FIRST_ANSWER_S = 10.0
"""How long to wait for a registry's first response before it counts as unreachable."""

# Verifying and unpacking a large layer on a slow disk takes a while without output.
_SILENCE_S = 180.0
_DOING = "pulling the base image"
# Looks up the login for an image, and returns a hint if a helper fails.
LogIn = Callable[[str], str | None]

_LOG_IN = "log in: docker login"
_OTHER_HINT = "retry with its registry in reach, or pull it before: docker pull"


class PullProblem(StrEnum):
    """Why a pull failed; the value completes "the registry …"."""

    UNREACHABLE = "cannot be reached"
    DENIED = "denies access"
    MISSING = "does not have it"


class PullFailed(Exception):
    """A pull that the registry made fail; ``reason`` is the engine's message.

    ``hint`` is about a login that could not be looked up.
    """

    def __init__(self, problem: PullProblem, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem
        self.reason = reason
        self.hint: str | None = None


# In this order: a proxy's "unexpected HTTP status: 403 Forbidden" does not come from the registry,
# and "pull access denied … repository does not exist" is a denial, since registries hide what they
# have. Sources: the distribution specification's error codes, Go's net, net/http and crypto
# packages, and the engine's wording from 20.10 to 29.
_MEANINGS = (
    (
        PullProblem.UNREACHABLE,
        r"no such host|server misbehaving|name resolution|connection refused|connection reset"
        r"|network is unreachable|no route to host|i/o timeout|tls handshake|handshake failure"
        r"|x509:|tls: |deadline exceeded|client\.timeout|proxyconnect|\beof\b"
        r"|toomanyrequests|too many requests|unexpected (http )?status(?!.{0,200} 401)"
        r"|error parsing http|bad gateway|service unavailable|gateway timeout"
        r"|request canceled while waiting",
    ),
    (
        PullProblem.DENIED,
        r"denied|unauthorized|authentication required|forbidden|no basic auth credentials",
    ),
    (
        PullProblem.MISSING,
        r"not found|manifest unknown|name unknown|no such image|does not exist"
        r"|no matching manifest|does not match the specified platform|no match for platform",
    ),
)


def pull_failure(message: str) -> Os2Error | PullFailed:
    """Return what an error message of a pull means; an ``Os2Error`` if it's about the engine."""
    for problem, pattern in _MEANINGS:
        if re.search(pattern, message, re.IGNORECASE):
            return PullFailed(problem, message)
    return refused(_DOING, message)


def pull_error(reference: str, failure: PullFailed, *, is_base: bool) -> Os2Error:
    """Return a failed pull of an image as an error with a hint.

    ``is_base``: ``--base-image`` may name another one.
    """
    message = f"cannot pull {reference}: the registry {failure.problem} ({failure.reason})"
    if failure.problem is PullProblem.MISSING:
        return NotFound(message, hint="check the name and the tag", code="base_not_found")
    if failure.problem is PullProblem.DENIED:
        return NotAuthorised(message, hint=failure.hint or _LOG_IN, code="base_denied")
    return Unreachable(message, hint=HINT if is_base else _OTHER_HINT, code=UNAVAILABLE)


def as_pull_error(reference: str, reason: str, log_in: LogIn) -> Os2Error | None:
    """Return what a builder's words about a pull mean; None if they are about something else."""
    failure = pull_failure(reason)
    if isinstance(failure, PullFailed):
        if failure.problem is PullProblem.DENIED:
            failure.hint = log_in(reference)
        return pull_error(reference, failure, is_base=False)
    return None


def pull_refused(error: Exception) -> Exception:
    """Return what an error answer to the question for an image means."""
    return pull_failure(explanation(error))


def pull(
    client: docker.APIClient,
    reference: str,
    *,
    platform: str | None,
    progress: Progress,
    first_answer_s: float = FIRST_ANSWER_S,
) -> None:
    """Pull ``reference`` with the credentials in the user's Docker configuration.

    Raises:
        PullFailed: the registry is unreachable, denies access or lacks the image.
        OperationFailed: the engine cannot store it.
    """
    layers: dict[str, bool] = {}
    # Before the registry is waited for: a helper may take long.
    hint = client.log_in(reference) if isinstance(client, EngineClient) else None
    try:
        for event in _events(client, reference, platform, first_answer_s):
            if message := event.get("error"):
                raise pull_failure(str(message))
            _report(event, layers, progress)
    except PullFailed as failure:
        failure.hint = hint
        raise


def _report(event: Mapping[str, Any], layers: dict[str, bool], progress: Progress) -> None:
    status, layer = str(event.get("status", "")), event.get("id")
    detail = event.get("progressDetail") or {}
    if status == "Pulling fs layer":
        layers.setdefault(str(layer), False)
    elif status in ("Pull complete", "Already exists"):
        layers[str(layer)] = True
    if detail.get("total"):
        progress.status(f"{status.lower()} {layer}", detail.get("current"), detail["total"])
    elif layers:
        progress.status("pulling layers", sum(layers.values()), len(layers))
    else:
        progress.log(status)


def _events(
    client: docker.APIClient, reference: str, platform: str | None, first_answer_s: float
) -> Iterator[Mapping[str, Any]]:
    """Yield the engine's events, each awaited under a deadline.

    The SDK has none, and the engine sends nothing while it tries to reach a registry. So a thread
    reads; it may be left behind, and ends when the engine gives up.
    """
    events: queue.SimpleQueue[Mapping[str, Any] | Exception | None] = queue.SimpleQueue()
    left = threading.Event()

    def read() -> None:
        try:
            for event in client.pull(reference, platform=platform, stream=True, decode=True):
                events.put(event)
                if left.is_set():
                    return
            events.put(None)
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits for it
            events.put(error)

    threading.Thread(target=read, name="os2-pull", daemon=True).start()
    wait_s, started = first_answer_s, time.monotonic()
    try:
        while (event := events.get(timeout=wait_s)) is not None:
            if isinstance(event, Exception):
                with sdk_errors(refused=pull_refused, lost=partial(lost, _DOING)):
                    raise event
            yield event
            wait_s = _SILENCE_S
    except queue.Empty:
        waited = time.monotonic() - started
        raise PullFailed(PullProblem.UNREACHABLE, f"no response after {waited:.0f} s") from None
    finally:
        left.set()
