"""What an image is built from, and the key that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from os2cli.providers.local_docker.images.named_images import NamedImages, build_arguments
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext

# Raised when equal inputs must give a different image than before.
RECIPE = "2"


@dataclass(frozen=True, slots=True)
class BuildInputs:
    """The build context, its images and digest, and the key of an image built from them today.

    Reading a large tree takes seconds: a command reads it once and passes these on.
    """

    context: BuildContext
    named: NamedImages
    digest: str
    key: str


def image_key(
    request: BuildRequest,
    context: BuildContext,
    digest: str,
    sources: Mapping[str, str],
    certificates: str | None,
) -> str:
    """Return the hex SHA-256 of everything an image is built from.

    ``digest`` is the context's, ``sources`` are the ids of the images that its Dockerfile names, as
    far as the engine has them, ``certificates`` the digest of this host's own.
    """
    inputs = {
        "recipe": RECIPE,
        "context": digest,
        "modes": context.unusual_modes,
        "dockerfile": context.dockerfile,
        "build_args": dict(sorted(build_arguments(request).items())),
        "platform": request.platform,
        "target": request.target,
        "sources": dict(sorted(sources.items())),
        "certificates": certificates,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
