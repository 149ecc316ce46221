"""The real engine and image for marked tests; a missing one fails the test, never skips it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.endpoint import resolve_endpoint

# The entrypoint of the image, which Daytona gets with a snapshot.
ENTRYPOINT = [
    *("tini-static", "-s", "-e", "143", "-e", "130", "--"),
    *("sh", "/opt/os2/bin/start-machine"),
]


def engine_endpoint() -> Endpoint:
    """Return the address of the engine for tests: ``DOCKER_HOST``, else where os2 finds one."""
    return resolve_endpoint(os.environ, Path.home())


def sandbox_image() -> str:
    """Return the sandbox image under test, which ``nox -s e2e`` builds."""
    return _image("OS2_TEST_IMAGE")


def browser_image() -> str:
    """Return the image with a browser, which ``nox -s e2e`` builds."""
    return _image("OS2_TEST_BROWSER")


def _image(variable: str) -> str:
    image = os.environ.get(variable)
    if not image:
        pytest.fail(f"{variable} names no image; run the suite with: nox -s e2e")
    return image
