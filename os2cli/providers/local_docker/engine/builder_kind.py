"""Which builder an engine has."""

from __future__ import annotations

import re
from collections.abc import Mapping

import docker

_SINCE = [18, 9]
_PODMAN = "Libpod-API-Version"


def has_buildkit(client: docker.APIClient) -> bool:
    """Return whether the engine has BuildKit.

    Docker has it on Linux since 18.09, default builder or not; Podman does not.
    """
    answer = _ping(client)
    if _PODMAN in answer or answer.get("Ostype") != "linux":
        return False
    version = re.findall(r"\d+", client.version().get("Version") or "")[:2]
    return [int(part) for part in version] >= _SINCE


def builds_every_stage(client: docker.APIClient) -> bool:
    """Return whether the builder also builds stages that the image is not made of.

    Only the one before BuildKit does: Podman's skips them since 4.2.
    """
    return not is_podman(client) and not has_buildkit(client)


def is_podman(client: docker.APIClient) -> bool:
    """Return whether the engine is Podman's Docker-compatible service."""
    return _PODMAN in _ping(client)


def _ping(client: docker.APIClient) -> Mapping[str, str]:
    return client.get(f"{client.base_url}/_ping", timeout=client.timeout).headers
