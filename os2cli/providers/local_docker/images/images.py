"""Images on the engine."""

from __future__ import annotations

from datetime import UTC, datetime

import docker
from docker.errors import APIError, ImageNotFound

from os2cli.core.models import Image
from os2cli.providers import labels


def find_image(client: docker.APIClient, reference: str) -> Image | None:
    """The image of that name or id, or None."""
    try:
        found = client.inspect_image(reference)
    except ImageNotFound:
        return None
    marks = dict((found.get("Config") or {}).get("Labels") or {})
    # An imported image may have no date; the engine writes others with nanoseconds.
    created = str(found.get("Created") or "1970-01-01T00:00:00").split(".")[0].removesuffix("Z")
    return Image(
        id=str(found["Id"]),
        reference=reference,
        created=datetime.fromisoformat(created).replace(tzinfo=UTC),
        size_bytes=int(found.get("Size") or 0),
        key=marks.get(labels.IMAGE_KEY),
        labels=marks,
    )


def full_name(reference: str) -> str:
    """An image's name as engines list it: with its tag, without the registry that goes unsaid."""
    name = reference
    for unsaid in ("docker.io/", "library/", "localhost/"):
        name = name.removeprefix(unsaid)
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def drop_unused_image(client: docker.APIClient, image_id: str) -> None:
    """Remove an image of ours that lost its name to a newer one and that no container uses."""
    try:
        found = client.inspect_image(image_id)
        ours = labels.IMAGE_KEY in ((found.get("Config") or {}).get("Labels") or {})
        if ours and not found.get("RepoTags"):
            client.remove_image(image_id)
    except APIError:
        # Still in use, or gone already: both are fine.
        return
