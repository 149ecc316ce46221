"""What an image is built from, and the key that names it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from os2cli.core.errors import UsageError
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext

# Raised when equal inputs must give a different image than before.
RECIPE = "1"

_BASE_ARGUMENT = re.compile(r"(?im)^[^\S\n]*ARG\s+BASE_IMAGE(?:=(?P<default>\S+))?")


@dataclass(frozen=True, slots=True)
class BuildInputs:
    """The build context, its digest, and the key of an image built from it on today's base.

    Reading a large tree takes seconds: a command reads it once and passes these on.
    """

    context: BuildContext
    digest: str
    key: str


def image_key(
    request: BuildRequest,
    dockerfile: str,
    digest: str,
    base_id: str | None,
    certificates: str | None,
) -> str:
    """Return the hex SHA-256 of everything an image is built from.

    ``digest`` is the context's, ``dockerfile`` the path in it, ``certificates`` the digest of this
    host's own.
    """
    inputs = {
        "recipe": RECIPE,
        "context": digest,
        "dockerfile": dockerfile,
        "build_args": dict(sorted(request.build_args.items())),
        "platform": request.platform,
        "base": base_id,
        "certificates": certificates,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def wanted_base(request: BuildRequest, context: BuildContext) -> str | None:
    """Return the requested base image, else the Dockerfile's; None when it takes none.

    Raises:
        UsageError: a base is requested, but the Dockerfile has no ``ARG BASE_IMAGE``.
    """
    declared = _BASE_ARGUMENT.search(context.dockerfile_text)
    if declared is None:
        if request.base_image is not None:
            raise UsageError(
                f"{context.dockerfile} has no ARG BASE_IMAGE, so no other base can be chosen",
                hint="leave --base-image out, or let the Dockerfile begin with ARG BASE_IMAGE=…",
                code="base_image_unused",
            )
        return None
    return request.base_image or declared["default"] or None
