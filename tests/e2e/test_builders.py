"""Both builders of an engine build the same image, and os2 uses the one that works."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from tests.builders import engine_without_buildkit
from tests.command import Os2
from tests.engine import sandbox_image

pytestmark = pytest.mark.engine


@pytest.fixture
def source(repository: Path) -> Path:
    """A Dockerfile with a step that writes."""
    (repository / "sandbox").mkdir()
    (repository / "sandbox" / "Dockerfile").write_text(
        f"ARG BASE_IMAGE={sandbox_image()}\n"
        "FROM ${BASE_IMAGE}\n"
        "RUN echo said by the step && echo content > /tmp/made\n"
        "COPY . /src/\n"
    )
    return repository


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_each_builder_shows_its_steps_and_builds_the_image(
    os2: Os2, source: Path, image_tag: str, engine: docker.APIClient, builder: str
) -> None:
    command = ("snapshot", "local-docker", "--tag", image_tag, "-v", "--no-cache")
    if builder == "classic":
        with engine_without_buildkit() as address:
            result = os2(*command, "--docker-host", address)
    else:
        result = os2(*command)

    assert result.status == 0, result.stderr
    assert result.stdout.startswith(f"built {image_tag} in ")
    assert "said by the step" in result.stderr
    steps = "Step 1/" if builder == "classic" else "[2/3] RUN"
    assert steps in result.stderr
    container = engine.create_container(image_tag)["Id"]
    try:
        engine.get_archive(container, "/tmp/made")
    finally:
        engine.remove_container(container)


def test_the_key_does_not_depend_on_the_builder(os2: Os2, source: Path, image_tag: str) -> None:
    first = os2("snapshot", "local-docker", "--tag", image_tag, "--json").json()
    with engine_without_buildkit() as address:
        second = os2(
            "snapshot", "local-docker", "--tag", image_tag, "--json", "--docker-host", address
        ).json()

    assert (second["built"], second["key"]) == (False, first["key"])
