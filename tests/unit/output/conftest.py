"""A terminal of 80 columns, independent of the one that runs the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.output.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal that shows colours, 80 wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    yield terminal
    terminal.close()
