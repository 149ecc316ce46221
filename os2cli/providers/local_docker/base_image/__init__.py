"""The base image of a sandbox: found, pulled or built, and trusting what the host trusts."""

from __future__ import annotations

from os2cli.providers.local_docker.base_image.prepare import (
    PACKAGES,
    BaseImage,
    can_pull,
    find_base,
    prepare_base,
    pull_images,
)
from os2cli.providers.local_docker.base_image.pull import as_pull_error

__all__ = [
    "PACKAGES",
    "BaseImage",
    "as_pull_error",
    "can_pull",
    "find_base",
    "prepare_base",
    "pull_images",
]
