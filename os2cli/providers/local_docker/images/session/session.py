"""Sessions with BuildKit: opened on the engine, served by threads, closed after the build."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from urllib3 import HTTPHeaderDict

from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.hijacked import hijacked
from os2cli.providers.local_docker.images.session.server import serving
from os2cli.providers.local_docker.images.session.service import Service

_PREFIX = "X-Docker-Expose-Session"


@contextmanager
def opened_session(
    client: EngineClient, services: Sequence[Service], shared_key: str = ""
) -> Iterator[str]:
    """Open a session that has ``services``, and yield its id for ``POST /build``.

    BuildKit keeps files that it was sent for the next session with the same ``shared_key``.
    """
    identity = uuid.uuid4().hex
    paths = [path for service in services for path in service.paths]
    with (
        hijacked(_ask(client, identity, paths, shared_key)) as connection,
        serving(connection, services),
    ):
        yield identity


def _ask(client: EngineClient, identity: str, paths: Sequence[str], shared_key: str) -> Any:
    """Turn a request into the session's connection."""
    url = f"{client.base_url}/v{client.api_version}/session"
    request = client.prepare_request(requests.Request("POST", url))
    headers = HTTPHeaderDict(request.headers)
    headers.update(
        {
            "Connection": "Upgrade",
            "Upgrade": "h2c",
            f"{_PREFIX}-Uuid": identity,
            f"{_PREFIX}-Name": "os2",
            f"{_PREFIX}-Sharedkey": shared_key,
        }
    )
    for path in paths:
        headers.add(f"{_PREFIX}-Grpc-Method", path)
    # Those of requests cannot hold one header several times.
    request.headers = headers  # type: ignore[assignment]
    return client.hijack(request)
