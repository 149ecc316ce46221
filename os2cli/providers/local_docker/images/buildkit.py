"""The connection for a build, to the engine's BuildKit if it has one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import docker

from os2cli.core.errors import UsageError
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.images.session import needs_session, opened_session


@contextmanager
def builder_client(
    endpoint: Endpoint, dockerfile: str, secrets: Mapping[str, bytes]
) -> Iterator[EngineClient]:
    """Yield a separate connection that requests BuildKit if the engine has it.

    The SDK has no option for that; parameters of the connection do it. If the Dockerfile's text
    needs one, a session is open meanwhile.

    Raises:
        UsageError: there are secrets but no BuildKit (``secrets_unsupported``).
    """
    with closing(connect(endpoint)) as client:
        if not has_buildkit(client):
            if secrets:
                raise UsageError(
                    "--secret: this engine cannot mount secrets, because it has no BuildKit",
                    hint="leave it out, or use another engine: --docker-host",
                    code="secrets_unsupported",
                )
            yield client
            return
        client.params = {"version": "2"}
        if not secrets and not needs_session(dockerfile):
            yield client
            return
        with opened_session(client, secrets) as identity:
            client.params = {"version": "2", "session": identity}
            yield client


def has_buildkit(client: docker.APIClient) -> bool:
    """Return whether the engine has a BuildKit that works without a session.

    Docker has one on Linux since 18.09, default builder or not; Podman does not. With the
    containerd image store it needs a session until 27.5.
    """
    answer = client.get(f"{client.base_url}/_ping", timeout=client.timeout).headers
    if "Libpod-API-Version" in answer or answer.get("Ostype") != "linux":
        return False
    containerd = "io.containerd.snapshotter" in str(client.info().get("DriverStatus"))
    version = [int(part) for part in re.findall(r"\d+", client.version().get("Version") or "")[:2]]
    return version >= ([27, 5] if containerd else [18, 9])
