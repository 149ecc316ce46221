"""Imports go one way; the contracts stand in pyproject.toml."""

from __future__ import annotations

import pytest
from importlinter import configuration
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_imports_go_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    configuration.configure()

    status = lint_imports(config_filename="pyproject.toml", no_cache=True)

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
