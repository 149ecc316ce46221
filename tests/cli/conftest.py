"""os2 in an empty folder, where no engine can be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Os2, base_environment


@pytest.fixture
def os2(tmp_path: Path) -> Os2:
    """The command line with an engine address at which nothing listens."""
    folder = tmp_path / "work"
    folder.mkdir()
    env = base_environment(tmp_path / "home") | {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    return Os2(folder, env)
