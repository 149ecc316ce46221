"""Images on the engine."""

from __future__ import annotations

from datetime import UTC, datetime

import docker
from docker.errors import ImageNotFound

from os2cli.core.models import Image
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.failures import tidying


def find_image(client: docker.APIClient, reference: str) -> Image | None:
    """Return the image of that name or id, or None."""
    try:
        image = client.inspect_image(reference)
    except ImageNotFound:
        return None
    marks = dict((image.get("Config") or {}).get("Labels") or {})
    ours = marks.get(labels.IMAGE_NAME) == full_name(reference)
    # An imported image may have no date; others have nanoseconds.
    created = str(image.get("Created") or "1970-01-01T00:00:00").split(".")[0].removesuffix("Z")
    return Image(
        id=str(image["Id"]),
        reference=reference,
        created=datetime.fromisoformat(created).replace(tzinfo=UTC),
        size_bytes=int(image.get("Size") or 0),
        key=marks.get(labels.IMAGE_KEY) if ours else None,
        labels=marks,
        repository=(marks.get(labels.IMAGE_REPOSITORY) or None) if ours else None,
    )


def full_name(reference: str) -> str:
    """Return an image's name as engines list it: with its tag, without the default registry."""
    name = reference
    for prefix in ("docker.io/", "library/", "localhost/"):
        name = name.removeprefix(prefix)
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def drop_unused_image(client: docker.APIClient, image_id: str) -> None:
    """Remove an image of ours if it is untagged and no container uses it."""
    # It may be in use, or already removed.
    with tidying():
        image = client.inspect_image(image_id)
        ours = labels.IMAGE_KEY in ((image.get("Config") or {}).get("Labels") or {})
        if ours and not image.get("RepoTags"):
            client.remove_image(image_id)
