"""A repository and a stage for each test on the engine."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.builders import Builder
from tests.command import Os2, base_environment
from tests.dockerfiles import with_base
from tests.e2e.chromium import chromium
from tests.engine import engine_endpoint, sandbox_image

__all__ = ["chromium"]  # for all tests here


@pytest.fixture
def engine() -> Iterator[docker.APIClient]:
    """The SDK's connection, to inspect the engine without os2."""
    client = docker.APIClient(base_url=engine_endpoint().url, version="auto")
    yield client
    client.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty checkout in a directory whose name has spaces."""
    folder = tmp_path / "my repo"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


@pytest.fixture
def stage() -> str:
    """A stage that no other test and no user has."""
    return f"dev-test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def builds(repository: Path, stage: str, tmp_path: Path, image_tag: str) -> Os2:
    """os2 in that repository and stage, for a test that makes images and no machines.

    ``image_tag`` is requested so that its image is removed after the machines that use it.
    """
    assert image_tag
    env = base_environment(tmp_path / "home")
    return Os2(repository, env | {"APP_STAGE": stage, "LOCAL_DOCKER_IMAGE_NAME": sandbox_image()})


@pytest.fixture
def os2(builds: Os2, stage: str) -> Iterator[Os2]:
    """os2 in that repository and stage; its machines are removed at the end."""
    yield builds
    left = builds("machine", "rm", "--all", "--stage", stage, "--yes", "--quiet")
    assert left.status == 0, left.stderr


@pytest.fixture
def image_tag(engine: docker.APIClient) -> Iterator[str]:
    """The name of an image that the test builds; it is removed at the end."""
    tag = f"os2-test-{uuid.uuid4().hex[:8]}:local"
    yield tag
    if engine.images(tag):
        # By name: another user may have an image of the same inputs under another name.
        engine.remove_image(tag, force=True)


@pytest.fixture(scope="module")
def built_by(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Builder]:
    """The builder that a test names, with the base image of the Dockerfiles."""
    with with_base(request.param, tmp_path_factory.mktemp("client")) as found:
        yield found
