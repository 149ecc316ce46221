"""Sessions with BuildKit: opened on the engine, served by a thread, closed after the build."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import requests
from urllib3 import HTTPHeaderDict

from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.hijacked import Connection, hijacked
from os2cli.providers.local_docker.images.session import services

# From the first --mount= of each word: from every one, a word of many takes minutes.
_MOUNT = re.compile(
    r"""(?<!\S)(?>\S*?--mount=)\S*?\btype\s*+=\s*+["']?(?:secret|ssh)\b""", re.IGNORECASE
)
_PREFIX = "X-Docker-Expose-Session"


def needs_session(dockerfile: str) -> bool:
    """Return whether a Dockerfile's text has mounts that BuildKit asks a session for.

    It does so for optional ones as well, and fails without a session.
    """
    return _MOUNT.search(dockerfile) is not None


@contextmanager
def opened_session(client: EngineClient, secrets: Mapping[str, bytes]) -> Iterator[str]:
    """Open a session that hands out ``secrets``, and yield its id for ``POST /build``."""
    methods = services.methods(secrets)
    identity = uuid.uuid4().hex
    with hijacked(_ask(client, identity, [*methods])) as connection:
        thread = threading.Thread(
            target=services.serve, args=(connection, methods), name="build session", daemon=True
        )
        thread.start()
        try:
            yield identity
        finally:
            _end(connection, thread)


def _ask(client: EngineClient, identity: str, methods: list[str]) -> Any:
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
            f"{_PREFIX}-Sharedkey": "",
        }
    )
    for method in methods:
        headers.add(f"{_PREFIX}-Grpc-Method", method)
    # Those of requests cannot hold one header several times.
    request.headers = headers  # type: ignore[assignment]
    return client.hijack(request)


def _end(connection: Connection, thread: threading.Thread) -> None:
    with suppress(OSError):  # the engine was faster
        connection.end()
    thread.join()
