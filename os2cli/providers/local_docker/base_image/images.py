"""Images on the engine: looked up by tag and key, imported from a stream, removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.providers.local_docker.base_image.failures import FAILED, engine_errors, refused

REPOSITORY = "os2-base"
KEY_LABEL = "dev.os2.base"
OF_LABEL = "dev.os2.base.of"
TEMPORARY_LABEL = "dev.os2.temporary"

# The engine answers when it has stored the whole layer, which a slow disk delays.
_IMPORT_TIMEOUT_S = (10, 300)


def inspect(client: docker.APIClient, reference: str) -> dict[str, Any] | None:
    """What the engine says of an image (``GET /images/{name}/json``), or None.

    Raises:
        OperationFailed: the engine refused to say.
        Unreachable: the engine stopped answering.
    """
    with engine_errors(f"looking at {reference}"):
        try:
            return dict(client.inspect_image(reference))
        except ImageNotFound:
            return None


def image_id(client: docker.APIClient, reference: str) -> str:
    """The id of an image that the engine is known to have; raises as ``inspect``."""
    if found := inspect(client, reference):
        return str(found["Id"])
    raise OperationFailed(
        f"{reference} has vanished from the engine", hint="try again", code=FAILED
    )


def keyed_image_id(client: docker.APIClient, reference: str, key: str) -> str | None:
    """The id of ``reference`` if it was made from what ``key`` names; raises as ``inspect``."""
    found = inspect(client, reference) or {}
    labels = (found.get("Config") or {}).get("Labels") or {}
    return str(found["Id"]) if labels.get(KEY_LABEL) == key else None


def import_image(
    client: docker.APIClient, archive: Iterable[bytes], reference: str, changes: list[str]
) -> str:
    """Make a one-layer image of a tar stream and return its id.

    ``changes`` are Dockerfile instructions such as ``LABEL a=b``. The SDK's own call has no
    deadline and hides failures that come in the answer's body.

    Raises:
        OperationFailed: the engine refused the archive; ``disk_full`` when it has no space left.
        Unreachable: the engine stopped answering.
    """
    doing = f"importing {reference}"
    with engine_errors(doing):
        response = client.post(
            f"{client.base_url}/v{client.api_version}/images/create",
            # Of a tag by itself Podman takes no notice.
            params={"fromSrc": "-", "repo": reference, "changes": changes},
            headers={"Content-Type": "application/x-tar"},
            data=iter(archive),
            timeout=_IMPORT_TIMEOUT_S,
        )
    for line in response.text.splitlines():
        answer = json.loads(line)
        said = answer.get("error") or answer.get("message")
        if said:
            raise refused(doing, str(said))
    if not response.ok:
        raise refused(doing, f"the engine answered {response.status_code}")
    return image_id(client, reference)


def remove_image(client: docker.APIClient, reference: str) -> None:
    """Remove an image of ours; failing to is no news beside what went wrong before."""
    with suppress(ImageNotFound, Os2Error), engine_errors(f"removing {reference}"):
        client.remove_image(reference, force=True)


def remove_superseded(client: docker.APIClient, of: str, latest: str) -> None:
    """Remove the bases made of the same thing before the image ``latest``; one in use stays.

    What was built on a base has its labels as well: only our own names are taken away.
    """
    with suppress(Os2Error), engine_errors("looking for what was superseded"):
        for found in client.images(filters={"label": f"{OF_LABEL}={of}"}):
            # By id: Podman puts a registry in front of names.
            names = () if found["Id"] == latest else found.get("RepoTags") or ()
            for name in names:
                if name.rpartition(":")[0].rpartition("/")[2] == REPOSITORY:
                    with suppress(APIError):
                        client.remove_image(name)
