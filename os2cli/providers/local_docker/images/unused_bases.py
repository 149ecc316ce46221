"""The bases that os2 made on an engine and that no image of its builds needs any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import docker

from os2cli.providers import labels
from os2cli.providers.local_docker.base_image.images import KEY_LABEL, REPOSITORY
from os2cli.providers.local_docker.engine import temporary
from os2cli.providers.local_docker.images.images import full_name

_KEY_DIGITS = 12


def unused_bases(
    client: docker.APIClient, built: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (name, image) of each base that none of ``built`` and no container was made from."""
    found = [
        (name, image)
        for image in client.images(filters={"label": [KEY_LABEL]})
        for name in map(full_name, image.get("RepoTags") or ())
        if _is_base(name, image.get("Labels") or {})
    ]
    if not found:
        return
    used = {id_ for image in built for id_ in _made_from(image.get("Labels") or {})}
    used |= {str(container.get("ImageID")) for container in client.containers(all=True)}
    yield from ((name, image) for name, image in found if str(image["Id"]) not in used)


def _is_base(name: str, marks: Mapping[str, str]) -> bool:
    """Return whether an image has the name of its key: images built on a base inherit labels."""
    repository, _, tag = name.rpartition(":")
    digits = tag.rpartition("-")[2]
    return (
        repository == REPOSITORY
        and temporary.LABEL not in marks
        and len(digits) == _KEY_DIGITS
        and str(marks.get(KEY_LABEL)).startswith(digits)
    )


def _made_from(marks: Mapping[str, str]) -> Iterator[str]:
    yield from labels.sources(marks).values()
    yield marks.get(labels.IMAGE_BASE, "")
