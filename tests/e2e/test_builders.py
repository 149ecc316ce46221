"""Both builders of an engine build the same image, and os2 uses the one that works."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tarfile
import uuid
from pathlib import Path

import docker
import pytest

from tests import images
from tests.builders import engine_without_buildkit
from tests.command import Os2
from tests.engine import sandbox_image
from tests.polling import until

pytestmark = pytest.mark.engine

LARGE_BYTES = 50_000_000


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
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient, builder: str
) -> None:
    command = ("snapshot", "local-docker", "--tag", image_tag, "-v", "--no-cache")
    if builder == "classic":
        with engine_without_buildkit() as address:
            result = builds(*command, "--docker-host", address)
    else:
        result = builds(*command)

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


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_an_argument_for_the_base_keeps_its_value(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient, builder: str
) -> None:
    """Where this host has authorities of its own, another image takes the place of the base."""
    slim = f"{sandbox_image()}-slim-{uuid.uuid4().hex[:8]}"
    (source / "sandbox/Dockerfile").write_text(
        f"ARG BASE_IMAGE={sandbox_image()}\n"
        "FROM ${BASE_IMAGE} AS first\n"
        f"FROM ${{BASE_IMAGE}}{slim.removeprefix(sandbox_image())}\n"
        "ARG BASE_IMAGE\n"
        f'RUN test "$BASE_IMAGE" = {sandbox_image()}\n'
    )
    command = ("snapshot", "local-docker", "--tag", image_tag)
    repository, _, tag = slim.rpartition(":")
    engine.tag(sandbox_image(), repository, tag)
    try:
        if builder == "buildkit":
            result = builds(*command)
        else:
            with engine_without_buildkit() as address:
                result = builds(*command, "--docker-host", address)
    finally:
        engine.remove_image(slim)

    assert result.status == 0, result.stderr


def test_the_key_does_not_depend_on_the_builder(builds: Os2, source: Path, image_tag: str) -> None:
    first = builds("snapshot", "local-docker", "--tag", image_tag, "--json").json()
    with engine_without_buildkit() as address:
        second = builds(
            "snapshot", "local-docker", "--tag", image_tag, "--json", "--docker-host", address
        ).json()

    assert (second["built"], second["key"]) == (False, first["key"])


def test_a_build_sends_and_keeps_only_what_changed(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    (source / "sandbox/Dockerfile").write_text("FROM scratch\nCOPY small /\n")
    (source / "large").write_bytes(os.urandom(LARGE_BYTES))
    (source / "small").write_text(uuid.uuid4().hex)
    command = ("snapshot", "local-docker", "--tag", image_tag)
    assert builds(*command).status == 0
    before = cache_bytes(engine)

    (source / "small").write_text(uuid.uuid4().hex)
    assert builds(*command).stdout.startswith("built")

    assert cache_bytes(engine) - before < LARGE_BYTES / 10


def test_a_step_that_fails_or_is_stopped_leaves_no_container(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    def left() -> list[str]:
        return [each["Id"] for each in engine.containers(all=True) if mark in each["Command"]]

    mark = uuid.uuid4().hex[:8]
    with engine_without_buildkit() as address:
        command = ("snapshot", "local-docker", "--tag", image_tag, "--docker-host", address)
        (source / "sandbox/Dockerfile").write_text(
            f"FROM {sandbox_image()}\nRUN : {mark}; exit 7\n"
        )
        assert builds(*command).status == 1
        assert left() == []

        (source / "sandbox/Dockerfile").write_text(
            f"FROM {sandbox_image()}\nRUN : {mark}; sleep 99\n"
        )
        process = subprocess.Popen(builds.argv(*command), cwd=builds.folder, env=builds.env)
        until(lambda: len(left()) == 1)
        process.send_signal(signal.SIGINT)
        process.wait()

        until(lambda: left() == [])


def cache_bytes(engine: docker.APIClient) -> int:
    """Return what the engine's build cache holds, of every build."""
    return sum(int(each["Size"]) for each in engine.df()["BuildCache"])


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("text", ["FROM {}\n", "FROM scratch\nCOPY --from={} / /\n"])
def test_an_image_is_out_of_date_when_one_that_it_names_is_another(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient, builder: str, text: str
) -> None:
    named = f"os2-test-{uuid.uuid4().hex[:8]}"
    (source / "sandbox/Dockerfile").write_text(text.format(named))

    def build() -> str:
        command = ("snapshot", "local-docker", "--tag", image_tag)
        if builder == "buildkit":
            result = builds(*command)
        else:
            with engine_without_buildkit() as address:
                result = builds(*command, "--docker-host", address)
        assert result.status == 0, result.stderr
        return result.stdout.split()[0]

    try:
        import_file(engine, named, "one")
        assert [build(), build()] == ["built", "unchanged"]
        import_file(engine, named, "two")
        assert [build(), build()] == ["built", "unchanged"]
        # Its own files are those of the newer one.
        assert "two" in images.files(engine, image_tag)
    finally:
        engine.remove_image(image_tag, force=True)
        engine.remove_image(named, force=True)


def import_file(engine: docker.APIClient, name: str, path: str) -> None:
    """Give a name to a new image with one empty file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(path))
    engine.import_image_from_data(content.getvalue(), repository=name, tag="latest")
