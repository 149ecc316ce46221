"""Which builder an engine has."""

from __future__ import annotations

import re

import docker

_SINCE = [18, 9]


def has_buildkit(client: docker.APIClient) -> bool:
    """Return whether the engine has BuildKit.

    Docker has it on Linux since 18.09, default builder or not; Podman does not.
    """
    answer = client.get(f"{client.base_url}/_ping", timeout=client.timeout).headers
    if "Libpod-API-Version" in answer or answer.get("Ostype") != "linux":
        return False
    version = re.findall(r"\d+", client.version().get("Version") or "")[:2]
    return [int(part) for part in version] >= _SINCE
