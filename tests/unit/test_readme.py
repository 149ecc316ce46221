"""The README is short, and its two commands are the ones that CI runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_two_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text()

    first, second = re.findall(r"^(bin/\S+[^#\n]*?) +#", README, re.MULTILINE)[:2]

    assert first.replace(" up ", " up ci ") in ci
    assert f"time {second}\n" in ci


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len(README.splitlines()) <= 150
