"""What killed commands left on a real engine goes with prune, what is in use stays."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from os2cli.providers.local_docker.engine.temporary import LABEL, Temporary, remove_left
from tests.engine import sandbox_image

pytestmark = pytest.mark.engine


@pytest.fixture
def lock_dir(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def temporary(engine: docker.APIClient, lock_dir: Path) -> Iterator[Temporary]:
    """A name with an image and a container, as a killed build leaves them."""
    name = f"os2-base:temporary-{uuid.uuid4().hex[:12]}"
    temporary = Temporary(name, lock_dir)
    content = io.BytesIO()
    tarfile.open(fileobj=content, mode="w").close()
    marks = " ".join(f"{label}={value}" for label, value in temporary.labels.items())
    repository, _, tag = name.partition(":")
    changes = [f"LABEL {marks}"]
    engine.import_image_from_data(content.getvalue(), repository, tag, changes=changes)
    engine.create_container(
        sandbox_image(), ["none"], name=name.replace(":", "-"), labels=temporary.labels
    )
    yield temporary
    remove_left(engine, lock_dir)


def found(engine: docker.APIClient, temporary: Temporary) -> int:
    """Return how much is there."""
    wanted = {"label": f"{LABEL}={temporary.labels[LABEL]}"}
    return len(engine.containers(all=True, filters=wanted)) + len(engine.images(filters=wanted))


def test_it_stays_while_its_lock_is_held(
    engine: docker.APIClient, temporary: Temporary, lock_dir: Path, tmp_path: Path
) -> None:
    remove_left(engine, tmp_path / "other-locks")
    with temporary.held():
        remove_left(engine, lock_dir)
        assert found(engine, temporary) == 2

    remove_left(engine, lock_dir)

    assert found(engine, temporary) == 0
