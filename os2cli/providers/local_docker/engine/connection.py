"""A connection to an engine, made so that nothing but the engine can answer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.tls import TLSConfig
from docker.types import CancellableStream

from os2cli.core.errors import UsageError
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.failures import SDK_ERRORS
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 60.0


def connect(
    endpoint: Endpoint,
    *,
    request_seconds: float = REQUEST_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> docker.APIClient:
    """Reach the engine and agree on an API version.

    The version is asked for under ``connect_seconds``; an engine that answers it may take
    ``request_seconds`` over each later request.

    Raises:
        Unreachable: nothing answers there, or what answers is no engine.
        NotAuthorised: the socket may not be opened by this user.
        UsageError: the engine is one that os2 does not reach.
    """
    if endpoint.url.startswith("ssh://"):
        raise UsageError(
            f"os2 reaches no engine over SSH, and {endpoint.origin} names {endpoint.url}",
            hint="choose an engine on this host with --docker-host or `docker context use`",
            code="engine_ssh",
        )
    _check_socket(endpoint, connect_seconds)

    with explained(endpoint):
        with contextlib.closing(
            _client(endpoint, DEFAULT_DOCKER_API_VERSION, connect_seconds)
        ) as client:
            version = _api_version(client.version(api_version=False))
        return _client(endpoint, version, request_seconds)


def hanging_up(client: docker.APIClient) -> Callable[[], None]:
    """What ends the answers that the client is reading, from another thread; call it beforehand.

    The engine ends a build whose client went away.
    """
    answers: list[Any] = []
    client.hooks["response"].append(lambda answer, **_: answers.append(answer))

    def hang_up() -> None:
        for answer in answers:
            CancellableStream(iter(()), answer).close()

    return hang_up


@contextlib.contextmanager
def explained(endpoint: Endpoint) -> Iterator[None]:
    """Turn what a request to something that may be no engine raises into an ``Os2Error``."""
    try:
        yield
    except (*SDK_ERRORS, ValueError, KeyError, TypeError) as error:
        raise explain_unreachable(endpoint, error) from error


def _check_socket(endpoint: Endpoint, seconds: float) -> None:
    """Connect to a Unix socket once, since the SDK leaks its own whose connect fails."""
    if endpoint.socket is None:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(endpoint.socket))
        except OSError as error:
            raise explain_unreachable(endpoint, error) from error


def _client(endpoint: Endpoint, version: str, seconds: float) -> docker.APIClient:
    """A client that asks the engine itself.

    Not ``version="auto"``: that asks while constructing, before ``trust_env`` is off, and would
    send the request to the proxy that HTTP_PROXY names or check TLS against REQUESTS_CA_BUNDLE.
    """
    client = docker.APIClient(
        endpoint.url,
        version=version,
        timeout=seconds,  # type: ignore[arg-type]  # the stubs say int, requests takes a float
        tls=_tls(endpoint),
    )
    client.trust_env = False
    return client


def _tls(endpoint: Endpoint) -> TLSConfig | bool:

    files = endpoint.tls
    if files is None:
        return False
    pair = files.certificate and files.key and (str(files.certificate), str(files.key))
    return TLSConfig(
        client_cert=pair or None,
        ca_cert=str(files.ca) if files.ca else None,
        verify=files.verify,
    )


def _api_version(version: Any) -> str:
    if not isinstance(version, dict) or "ApiVersion" not in version:
        raise KeyError("ApiVersion")
    return str(version["ApiVersion"])
