"""Base images on the engine: looked up by tag and key, imported from a stream, removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import docker
from docker.errors import ImageNotFound

from os2cli.core.errors import OperationFailed
from os2cli.providers.local_docker.base_image.failures import FAILED, engine_errors, refused
from os2cli.providers.local_docker.engine.failures import tidying

REPOSITORY = "os2-base"
KEY_LABEL = "dev.os2.base"
OF_LABEL = "dev.os2.base.of"

# The engine answers once it has stored the whole layer, which a slow disk delays.
_IMPORT_TIMEOUT_S = (10, 300)


def inspect(client: docker.APIClient, reference: str) -> dict[str, Any] | None:
    """Return the image's document (``GET /images/{name}/json``), or None.

    Raises:
        OperationFailed: the engine answered with an error.
        Unreachable: the connection to the engine broke.
    """
    with engine_errors(f"inspecting {reference}"):
        try:
            return dict(client.inspect_image(reference))
        except ImageNotFound:
            return None


def image_id(client: docker.APIClient, reference: str) -> str:
    """Return the id of an image that the engine must have; raises as ``inspect``."""
    if image := inspect(client, reference):
        return str(image["Id"])
    raise OperationFailed(
        f"image {reference} disappeared from the engine", hint="retry", code=FAILED
    )


def keyed_image_id(client: docker.APIClient, reference: str, key: str) -> str | None:
    """Return the id of ``reference`` if its key is ``key``, else None; raises as ``inspect``."""
    image = inspect(client, reference) or {}
    labels = (image.get("Config") or {}).get("Labels") or {}
    return str(image["Id"]) if labels.get(KEY_LABEL) == key else None


def import_image(
    client: docker.APIClient, archive: Iterable[bytes], reference: str, changes: list[str]
) -> str:
    """Create a one-layer image from a tar stream and return its id.

    ``changes`` are Dockerfile instructions such as ``LABEL a=b``. The SDK's own call has no
    deadline and hides errors in the response body.

    Raises:
        OperationFailed: the engine rejected the archive; ``disk_full`` if it has no space left.
        Unreachable: the connection to the engine broke.
    """
    doing = f"importing {reference}"
    with engine_errors(doing):
        response = client.post(
            f"{client.base_url}/v{client.api_version}/images/create",
            # Podman ignores a separate `tag`.
            params={"fromSrc": "-", "repo": reference, "changes": changes},
            headers={"Content-Type": "application/x-tar"},
            data=iter(archive),
            timeout=_IMPORT_TIMEOUT_S,
        )
    for line in response.text.splitlines():
        answer = json.loads(line)
        if message := answer.get("error") or answer.get("message"):
            raise refused(doing, str(message))
    if not response.ok:
        raise refused(doing, f"the engine returned {response.status_code}")
    return image_id(client, reference)


def remove_image(client: docker.APIClient, reference: str) -> None:
    """Remove an image of ours; an error that led here is reported, not one of this removal."""
    with tidying():
        client.remove_image(reference, force=True)


def remove_superseded(client: docker.APIClient, of: str, latest: str) -> None:
    """Remove the older bases of the same origin as ``latest``; one in use stays.

    Images built on a base inherit its labels: only names of ours are removed.
    """
    with tidying():
        for image in client.images(filters={"label": f"{OF_LABEL}={of}"}):
            # By id: Podman puts a registry in front of names.
            names = () if image["Id"] == latest else image.get("RepoTags") or ()
            for name in names:
                if name.rpartition(":")[0].rpartition("/")[2] == REPOSITORY:
                    with tidying():
                        client.remove_image(name)
