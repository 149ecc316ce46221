"""A connection to an engine that no proxy or environment variable can redirect."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.types import CancellableStream

from os2cli.core.errors import UsageError
from os2cli.providers.local_docker.engine.address import DEFAULT_SOCKET, Endpoint
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.failures import SDK_ERRORS
from os2cli.providers.local_docker.engine.listener import check_listener
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 60.0


def connect(
    endpoint: Endpoint,
    *,
    request_seconds: float = REQUEST_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> EngineClient:
    """Connect to the engine and agree on an API version.

    The version request has ``connect_seconds``, each later request at most ``request_seconds``.

    Raises:
        Unreachable: nothing answers, or something that is not an engine.
        NotAuthorised: this user may not open the socket, or another user listens on the port.
        UsageError: os2 does not support this kind of address (``engine_ssh``).
    """
    if endpoint.url.startswith("ssh://"):
        raise UsageError(
            f"{endpoint.origin}: engines over SSH are not supported, since machines can be reached"
            f" on this host only: {endpoint.url}",
            hint=f"choose an engine on this host: --docker-host unix://{DEFAULT_SOCKET}",
            code="engine_ssh",
        )
    check_listener(endpoint)
    with explained(endpoint):
        with contextlib.closing(
            EngineClient(endpoint, DEFAULT_DOCKER_API_VERSION, connect_seconds)
        ) as client:
            version = _api_version(client.version(api_version=False))
        return EngineClient(endpoint, version, request_seconds)


def hanging_up(client: EngineClient) -> Callable[[], None]:
    """Return a function that closes the responses which the client reads in another thread.

    Call this before the request. The engine ends a build whose client disconnects.
    """
    answers: list[Any] = []
    client.hooks["response"].append(lambda answer, **_: answers.append(answer))

    def hang_up() -> None:
        for answer in answers:
            CancellableStream(iter(()), answer).close()

    return hang_up


@contextlib.contextmanager
def explained(endpoint: Endpoint) -> Iterator[None]:
    """Turn errors of a request to an address that may not be an engine's into ``Os2Error``."""
    try:
        yield
    except (*SDK_ERRORS, ValueError, KeyError, TypeError) as error:
        raise explain_unreachable(endpoint, error) from error


def _api_version(version: Any) -> str:
    answer = version.get("ApiVersion") if isinstance(version, dict) else None
    if not answer or not re.fullmatch(r"\d+(\.\d+)+", answer, re.ASCII):
        raise KeyError("ApiVersion")
    return str(answer)
