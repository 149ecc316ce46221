"""The real engine and image that marked tests run on; what is missing fails, never skips."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.endpoint import resolve_endpoint

# What the image is started with, which Daytona is told along with a snapshot.
ENTRYPOINT = [
    *("tini-static", "-s", "-e", "143", "-e", "130", "--"),
    *("sh", "/opt/os2/bin/start-machine"),
]


def engine_endpoint() -> Endpoint:
    """Where the engine for tests is: ``DOCKER_HOST``, else where os2 itself finds one."""
    return resolve_endpoint(os.environ, Path.home())


def sandbox_image() -> str:
    """The sandbox image under test, which ``nox -s e2e`` builds."""
    return _image("OS2_TEST_IMAGE")


def browser_image() -> str:
    """The image with a browser, which ``nox -s e2e`` builds."""
    return _image("OS2_TEST_BROWSER")


def _image(variable: str) -> str:
    image = os.environ.get(variable)
    if not image:
        pytest.fail(f"{variable} names no image; run the suite with: nox -s e2e")
    return image
