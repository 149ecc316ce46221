"""Fixtures for the tests of machines."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory on this host."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder
