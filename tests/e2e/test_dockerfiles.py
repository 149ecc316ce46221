"""Dockerfiles in the shape of real ones, built by both builders of the tests' engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Builder
from tests.command import Os2
from tests.dockerfiles import DOCKERFILES, assert_built_alike, tree

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("built_by", ["buildkit", "classic"], indirect=True, scope="module")
@pytest.mark.parametrize("name", DOCKERFILES)
def test_os2_builds_what_the_client_builds(
    builds: Os2, repository: Path, tmp_path: Path, built_by: Builder, name: str
) -> None:
    assert_built_alike(builds, tree(name, repository, tmp_path), built_by, name)
