"""What killed commands left on a real engine goes with prune, what is in use stays."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from os2cli.providers.local_docker.engine.temporary import (
    LABEL,
    Temporary,
    lock_place,
    remove_left,
)
from tests.command import Os2
from tests.engine import sandbox_image
from tests.polling import until

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


class TestDoctor:
    """The machine that it starts for a moment, on an engine where all works."""

    @pytest.fixture
    def left(self, os2: Os2, engine: docker.APIClient) -> Callable[[], list[str]]:
        locks = Path(os2.env["HOME"]) / ".local/state/os2/locks"
        wanted = {"label": f"{LABEL}={lock_place(locks)}"}

        def names() -> list[str]:
            containers = engine.containers(all=True, filters=wanted)
            networks = engine.networks(filters=wanted)
            return [each["Id"] for each in (*containers, *networks)]

        return names

    def test_finds_nothing_and_leaves_nothing(
        self, os2: Os2, left: Callable[[], list[str]]
    ) -> None:
        found = {
            each["check"]: each["status"]
            for each in json.loads(os2("doctor", "--json").stdout)["findings"]
        }

        trial = {name: status for name, status in found.items() if name.startswith("machine")}
        assert set(trial.values()) <= {"ok", "skipped"}
        assert left() == []

    def test_that_is_killed_leaves_what_the_next_removes(
        self, os2: Os2, left: Callable[[], list[str]]
    ) -> None:
        process = subprocess.Popen(os2.argv("doctor"), cwd=os2.folder, env=os2.env)
        until(lambda: len(left()) == 2)
        process.kill()
        process.wait()
        assert left()

        os2("doctor")

        assert left() == []
