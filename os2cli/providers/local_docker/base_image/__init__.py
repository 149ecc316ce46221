"""The base image of a sandbox: found, pulled or built, and trusting what the host trusts."""

from __future__ import annotations

from os2cli.providers.local_docker.base_image.prepare import (
    PACKAGES,
    BaseImage,
    can_pull,
    find_base,
    prepare_base,
)

__all__ = ["PACKAGES", "BaseImage", "can_pull", "find_base", "prepare_base"]
