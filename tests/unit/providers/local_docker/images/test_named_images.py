"""Which base may be built from packages: that of the Dockerfile that comes with os2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.host.repository import bundled_source
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.named_images import NamedImages, images_of
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import collect

OWN = bundled_source().dockerfile.read_text(encoding="utf-8")
(BASE,) = (
    line.partition("=")[2] for line in OWN.splitlines() if line.startswith("ARG BASE_IMAGE=")
)


def images(engine: Engine, folder: Path, path: str, text: str, **changes: object) -> NamedImages:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    request = BuildRequest(folder, Path(path), "iterate-sandbox:local", base_from_packages=True)
    request = replace(request, **changes)  # type: ignore[arg-type]
    return images_of(request, collect(folder, Path(path)), engine.client)


@pytest.mark.parametrize(
    "path", ["sandbox/Dockerfile", "apps/os2/sandbox/Dockerfile", "Dockerfile"]
)
@pytest.mark.parametrize("text", [OWN, OWN.replace("\n", "\r\n")])
def test_it_is_that_of_os2s_own(engine: Engine, tmp_path: Path, path: str, text: str) -> None:
    found = images(engine, tmp_path, path, text)
    assert (found.base, found.replaceable) == (BASE, True)


@pytest.mark.parametrize(
    "text",
    [
        f"ARG BASE_IMAGE={BASE}\nFROM ${{BASE_IMAGE}}\nRUN make\n",
        OWN + "RUN apt-get install -y mine\n",
        OWN.replace("ENV LANG=C.UTF-8", "ENV LANG=C"),
    ],
)
def test_a_users_dockerfile_with_the_same_base_gets_what_it_says(
    engine: Engine, tmp_path: Path, text: str
) -> None:
    found = images(engine, tmp_path, "sandbox/Dockerfile", text)
    assert (found.base, found.replaceable) == (BASE, False)


@pytest.mark.parametrize(
    "changes", [{"base_image": BASE}, {"build_args": {"BASE_IMAGE": BASE}},
                {"base_from_packages": False}],
)  # fmt: skip
def test_a_base_that_was_chosen_or_is_published_does_not_change(
    engine: Engine, tmp_path: Path, changes: dict[str, object]
) -> None:
    assert not images(engine, tmp_path, "sandbox/Dockerfile", OWN, **changes).replaceable
