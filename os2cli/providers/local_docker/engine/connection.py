"""A connection to an engine that no proxy or environment variable can redirect."""

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
from os2cli.providers.local_docker.engine.listener import check_listener
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 60.0


def connect(
    endpoint: Endpoint,
    *,
    request_seconds: float = REQUEST_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> docker.APIClient:
    """Connect to the engine and agree on an API version.

    The version request has ``connect_seconds``, each later request ``request_seconds``.

    Raises:
        Unreachable: nothing answers, or something that is not an engine.
        NotAuthorised: this user may not open the socket, or another user listens on the port.
        UsageError: os2 does not support this kind of address (``engine_ssh``).
    """
    if endpoint.url.startswith("ssh://"):
        raise UsageError(
            f"{endpoint.origin}: engines over SSH are not supported: {endpoint.url}",
            hint="choose an engine on this host: --docker-host or `docker context use`",
            code="engine_ssh",
        )
    check_listener(endpoint)
    _check_socket(endpoint, connect_seconds)

    with explained(endpoint):
        with contextlib.closing(
            _client(endpoint, DEFAULT_DOCKER_API_VERSION, connect_seconds)
        ) as client:
            version = _api_version(client.version(api_version=False))
        return _client(endpoint, version, request_seconds)


def hanging_up(client: docker.APIClient) -> Callable[[], None]:
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


def _check_socket(endpoint: Endpoint, seconds: float) -> None:
    """Connect to a Unix socket once: the SDK leaks its own socket if connecting fails."""
    if endpoint.socket is None:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(endpoint.socket))
        except OSError as error:
            raise explain_unreachable(endpoint, error) from error


def _client(endpoint: Endpoint, version: str, seconds: float) -> docker.APIClient:
    """Return a client that talks to the engine directly.

    Not ``version="auto"``: it sends a request in the constructor, before ``trust_env`` is off, to
    the proxy that HTTP_PROXY names, and checks TLS against REQUESTS_CA_BUNDLE.
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
