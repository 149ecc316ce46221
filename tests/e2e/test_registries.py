"""Images from registries that want a token, a login or are down, with each builder."""

from __future__ import annotations

import base64
import io
import json
import socket
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from tests.builders import engine_without_buildkit
from tests.command import Os2, Result
from tests.docker_registry import DockerRegistry, Login, for_logins
from tests.token_registry import TokenServer, token_registry

pytestmark = pytest.mark.engine

LOGIN = Login("engineer", "s3cret" + uuid.uuid4().hex)
# How each place in a Dockerfile takes a file from an image.
PLACES = {
    "FROM": "FROM {}\n",
    "ARG BASE_IMAGE": "ARG BASE_IMAGE={}\nFROM $BASE_IMAGE\n",
    "COPY --from": "FROM scratch\nCOPY --from={} /made /made\n",
}
BUILDERS = ("buildkit", "classic")


@dataclass
class Registry:
    """A registry, and what was pushed to it."""

    server: DockerRegistry
    engine: docker.APIClient
    tokens: TokenServer | None = None
    pushed: list[str] = field(default_factory=list)

    def image(self, folder: str) -> str:
        """Push an image with the file ``/made``, and remove it from the engine."""
        name = f"{self.server.host}/{folder}/{uuid.uuid4().hex[:12]}"
        self.pushed.append(name)
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            made = tarfile.TarInfo("made")
            made.size = len(name)
            archive.addfile(made, io.BytesIO(name.encode()))
        self.engine.import_image_from_data(content.getvalue(), repository=name, tag="latest")
        answer = self.engine.push(name, tag="latest", auth_config=LOGIN.auth_config)
        assert "errorDetail" not in answer, answer
        self.engine.remove_image(name)
        if self.tokens is not None:
            self.tokens.asked.clear()
        return name


@pytest.fixture(params=["token", "private"])
def registry(request: pytest.FixtureRequest, engine: docker.APIClient) -> Iterator[Registry]:
    """A registry that wants tokens, and one that wants a login for everything."""
    with ExitStack() as running:
        if request.param == "token":
            server, tokens = running.enter_context(token_registry(LOGIN))
            found = Registry(server, engine, tokens)
        else:
            found = Registry(running.enter_context(DockerRegistry(for_logins(LOGIN))), engine)
        yield found
    for name in found.pushed:
        if engine.images(name):
            engine.remove_image(name, force=True)


def log_in(builds: Os2, host: str, login: Login) -> None:
    """Keep a login as ``docker login`` does."""
    file = Path(builds.env["HOME"]) / ".docker/config.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = base64.b64encode(":".join(login.basic).encode()).decode()
    file.write_text(json.dumps({"auths": {host: {"auth": text}}}))


def build(builds: Os2, dockerfile: str, builder: str, tag: str, *options: str) -> Result:
    (builds.folder / "Dockerfile").write_text(dockerfile)
    command = ("snapshot", "local-docker", "--dockerfile=Dockerfile", "--tag", tag, *options)
    if builder == "buildkit":
        return builds(*command)
    with engine_without_buildkit() as address:
        return builds(*command, "--docker-host", address)


def made_in(engine: docker.APIClient, tag: str) -> str:
    """Return what the image has in ``/made``."""
    container = engine.create_container(tag, "none")["Id"]
    try:
        chunks, _ = engine.get_archive(container, "/made")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            file = archive.extractfile("made")
            assert file is not None
            return file.read().decode()
    finally:
        engine.remove_container(container)


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("place", PLACES)
def test_with_a_login_each_place_gets_its_image(
    builds: Os2,
    engine: docker.APIClient,
    registry: Registry,
    image_tag: str,
    place: str,
    builder: str,
) -> None:
    name = registry.image("team")
    log_in(builds, registry.server.host, LOGIN)

    result = build(builds, PLACES[place].format(name), builder, image_tag)

    assert result.status == 0, result.stderr
    assert made_in(engine, image_tag) == name
    assert LOGIN.password not in result.stdout + result.stderr
    if registry.tokens is not None:
        assert {user for user, _ in registry.tokens.asked} == {LOGIN.username}


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_public_needs_no_login_but_a_token(
    builds: Os2, engine: docker.APIClient, image_tag: str, place: str, builder: str
) -> None:
    with token_registry(LOGIN) as (server, tokens):
        name = Registry(server, engine, tokens).image("library")

        result = build(builds, PLACES[place].format(name), builder, image_tag)

        assert result.status == 0, result.stderr
        assert made_in(engine, image_tag) == name
        assert {user for user, _ in tokens.asked} == {""}
        engine.remove_image(image_tag, force=True)
        if engine.images(name):
            engine.remove_image(name)


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("place", PLACES)
def test_without_a_login_the_registry_denies_access(
    builds: Os2, registry: Registry, image_tag: str, place: str, builder: str
) -> None:
    name = registry.image("team")

    result = build(builds, PLACES[place].format(name), builder, image_tag)

    assert result.status == 4, result.stderr
    assert f"error: cannot pull {name}: the registry denies access" in result.stderr
    assert "hint: log in: docker login" in result.stderr


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("script", [None, "exit 1"], ids=["missing", "failing"])
def test_a_helper_that_gives_no_login_is_named(
    builds: Os2, registry: Registry, image_tag: str, place: str, builder: str, script: str | None
) -> None:
    name = registry.image("team")
    file = Path(builds.env["HOME"]) / ".docker/config.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"credsStore": "odd"}))
    if script is not None:
        helper = file.parent / "docker-credential-odd"
        helper.write_text(f"#!/bin/sh\n{script}\n")
        helper.chmod(0o755)
    builds = Os2(builds.folder, {**builds.env, "PATH": f"{file.parent}:{builds.env['PATH']}"})

    result = build(builds, PLACES[place].format(name), builder, image_tag)

    assert result.status == 4, result.stderr
    assert result.stderr.count("error: ") == 1
    (hint,) = (line for line in result.stderr.splitlines() if line.startswith("hint: "))
    assert "docker-credential-odd" in hint


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("place", PLACES)
def test_a_registry_without_the_image(
    builds: Os2, registry: Registry, image_tag: str, place: str, builder: str
) -> None:
    log_in(builds, registry.server.host, LOGIN)
    name = f"{registry.server.host}/team/none"

    result = build(builds, PLACES[place].format(name), builder, image_tag)

    assert result.status == 3, result.stderr
    assert f"error: cannot pull {name}: the registry does not have it" in result.stderr


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("place", PLACES)
def test_a_registry_that_is_down_is_named_and_nothing_takes_its_place(
    builds: Os2, engine: docker.APIClient, image_tag: str, place: str, builder: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name = f"127.0.0.1:{port}/team/none"

    result = build(builds, PLACES[place].format(name), builder, image_tag)

    assert result.status == 8, result.stderr
    assert f"error: cannot pull {name}: the registry cannot be reached" in result.stderr
    assert engine.images(image_tag) == []


def test_a_frontend_is_pulled_with_a_token(
    builds: Os2, engine: docker.APIClient, image_tag: str
) -> None:
    """The image here is no frontend: that is what fails."""
    with token_registry(LOGIN) as (server, tokens):
        name = Registry(server, engine, tokens).image("library")

        result = build(builds, f"# syntax={name}\nFROM scratch\n", "buildkit", image_tag)

        assert result.status != 0
        assert "session" not in result.stderr
        repository = name.partition("/")[2]
        assert ("", f"repository:{repository}:pull") in tokens.asked


def test_a_mount_is_pulled_with_a_login(
    builds: Os2, engine: docker.APIClient, registry: Registry, image_tag: str
) -> None:
    name = registry.image("team")
    log_in(builds, registry.server.host, LOGIN)
    text = (
        f"FROM {builds.env['LOCAL_DOCKER_IMAGE_NAME']}\nUSER 0\n"
        f"RUN --mount=from={name},target=/mnt/made cp /mnt/made/made /made\n"
    )

    result = build(builds, text, "buildkit", image_tag)

    assert result.status == 0, result.stderr
    assert made_in(engine, image_tag) == name


@pytest.mark.parametrize("builder", BUILDERS)
def test_pull_asks_the_registry_again(
    builds: Os2, engine: docker.APIClient, image_tag: str, builder: str
) -> None:
    """Without it an unchanged tree builds nothing, although the registry has a newer image."""
    with token_registry(LOGIN) as (server, tokens):
        registry = Registry(server, engine, tokens)
        name, newer = registry.image("library"), registry.image("library")
        text = PLACES["FROM"].format(name)
        assert build(builds, text, builder, image_tag).status == 0
        engine.pull(newer)
        engine.tag(newer, name, "latest", force=True)
        answer = engine.push(name, tag="latest", auth_config=LOGIN.auth_config)
        assert "errorDetail" not in answer
        engine.remove_image(name, force=True)
        engine.remove_image(newer, force=True)

        assert "unchanged" in build(builds, text, builder, image_tag).stdout
        result = build(builds, text, builder, image_tag, "--pull")

        assert result.status == 0, result.stderr
        assert made_in(engine, image_tag) == newer
        engine.remove_image(image_tag, force=True)
        for each in (name, newer):
            if engine.images(each):
                engine.remove_image(each, force=True)
