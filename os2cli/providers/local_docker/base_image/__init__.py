"""The base image of a sandbox: found, pulled or built, and trusting what the host trusts."""

from __future__ import annotations

from os2cli.providers.local_docker.base_image.prepare import BaseImage, find_base, prepare_base

__all__ = ["BaseImage", "find_base", "prepare_base"]
