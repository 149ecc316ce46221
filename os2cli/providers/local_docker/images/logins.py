"""The logins to registries that ``docker login`` keeps, in its file or with a helper program."""

from __future__ import annotations

from typing import Any

import docker
from docker.auth import INDEX_NAME, INDEX_URL
from docker.errors import DockerException

from os2cli.providers.local_docker.images.session.credentials import Logins

_HUB = {"registry-1.docker.io", INDEX_NAME}


def of_client(client: docker.APIClient) -> Logins:
    """Return the logins of the configuration that a client has read."""
    sdk: Any = client

    def login(host: str) -> tuple[str, str]:
        try:
            found = sdk._auth_configs.resolve_authconfig(INDEX_URL if host in _HUB else host)
        except DockerException:
            # As without a login: the registry says whether it wants one.
            return "", ""
        values: dict[str, Any] = {name.lower(): value for name, value in (found or {}).items()}
        if token := values.get("identitytoken"):
            return "", str(token)
        return str(values.get("username") or ""), str(values.get("password") or "")

    return login
