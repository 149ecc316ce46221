"""Dockerfiles in the shape of real ones: os2 builds what the engine's own client does.

What the client cannot build there, os2 refuses in one line. A Dockerfile may say with ``# build:``
which options both get. Engines have a test file each, so that they are tested at the same time.
"""

from __future__ import annotations

import re
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError

from os2cli.providers import labels
from tests import images
from tests.builders import Builder, builder
from tests.command import Os2, Result
from tests.engine import engine_endpoint, sandbox_image

DATA = Path(__file__).parent / "data/dockerfiles"
DOCKERFILES = sorted(path.name.removesuffix(".Dockerfile") for path in DATA.glob("*.Dockerfile"))
BASE = "os2-test/base:1"
LABELS = "dev.os2."
SECRET = "s3cret-of-the-corpus"
# What os2 builds otherwise, on purpose: every builder follows a Dockerfile's own ignore file.
OTHERWISE = {"classic": ["own-ignore-file"], "podman": ["own-ignore-file"]}
# Podman's service takes secrets only as files of the context.
REFUSED = {"podman": ["mount-secret"]}


@contextmanager
def with_base(name: str, home: Path) -> Iterator[Builder]:
    """Run a builder whose engine has the base image of the Dockerfiles."""
    with closing(docker.APIClient(base_url=engine_endpoint().url, version="auto")) as own:
        base = own.inspect_image(sandbox_image())["Config"]["Labels"][labels.IMAGE_BASE]
        with builder(name, home) as found:
            if name in ("current", "podman"):
                found.engine.load_image(own.get_image(base))
            found.engine.tag(base, BASE.partition(":")[0], "1")
            yield found
            if name in ("buildkit", "classic"):
                remove_built_on(found.engine, base)
                found.engine.remove_image(BASE)


def remove_built_on(engine: docker.APIClient, base: str) -> None:
    """Remove what failed builds left: steps on the base, without a name."""
    steps = images.layers(engine, base)
    for found in engine.images(filters={"dangling": True}):
        if found["Id"] != base and images.layers(engine, found["Id"])[: len(steps)] == steps:
            with suppress(APIError):
                engine.remove_image(found["Id"])


@dataclass(frozen=True)
class Tree:
    """A directory as a client gets it, and the same one as a repository."""

    plain: Path
    repository: Path
    options: list[str]


def tree(name: str, repository: Path, tmp_path: Path) -> Tree:
    """Write the context of the Dockerfile ``name`` into both."""
    plain = tmp_path / "plain"
    shutil.copytree(DATA / "context", plain, symlinks=True)
    for path in DATA.glob(f"{name}.Dockerfile*"):
        shutil.copy2(path, plain / path.name.removeprefix(f"{name}."))
    shutil.copytree(plain, repository, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "SECRET").write_text(SECRET)
    text = (plain / "Dockerfile").read_text(encoding="utf-8-sig")
    written = " ".join(re.findall(r"^# build: (.*)$", text, re.MULTILINE))
    return Tree(plain, repository, shlex.split(written.replace("SECRET", f"{tmp_path}/SECRET")))


def assert_built_alike(os2: Os2, tree: Tree, built_by: Builder, name: str) -> None:
    """Build with both; what they built is removed."""
    tag = f"os2-test-{uuid.uuid4().hex[:8]}"
    expected = built_by.build(tree.plain, f"{tag}:expected", tree.options)
    result = os2(
        "snapshot", "local-docker", "--dockerfile=Dockerfile", "--tag", f"{tag}:built",
        "--docker-host", built_by.address, "--allow-secrets", *tree.options,
    )  # fmt: skip

    try:
        assert SECRET not in result.stdout + result.stderr
        if expected.status or name in REFUSED.get(built_by.name, ()):
            assert_refused(result)
            return
        assert result.status == 0, result.stderr
        if name not in OTHERWISE.get(built_by.name, ()):
            assert_equal(built_by.engine, f"{tag}:built", f"{tag}:expected")
    finally:
        for image in (f"{tag}:built", f"{tag}:expected"):
            if built_by.engine.images(image):
                built_by.engine.remove_image(image, force=True)


def assert_refused(result: Result) -> None:
    assert result.status not in (0, 70), result.stderr
    assert len(re.findall("^error: ", result.stderr, re.MULTILINE)) == 1, result.stderr
    assert len(re.findall("^hint: ", result.stderr, re.MULTILINE)) == 1, result.stderr
    assert "Traceback" not in result.stderr


def assert_equal(engine: docker.APIClient, built: str, expected: str) -> None:
    for about in (images.configuration, images.history):
        assert about(engine, built, LABELS) == about(engine, expected, LABELS)
    if images.layers(engine, built) != images.layers(engine, expected):
        assert images.files(engine, built) == images.files(engine, expected)
