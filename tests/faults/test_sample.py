"""A sample of the trials; ``nox -s faults`` runs all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from tests.faults.campaign import run, sample
from tests.faults.commands import DAYTONA, ENGINE, ENGINE_API, Command

SEED = "OS2_TEST_SEED"
SIZE = 40


def broken(commands: Sequence[Command], workers: int) -> list[str]:
    """Try the sample of a seed, which the suite chooses and prints; return what was not kept."""
    seed = int(os.environ.get(SEED, "1"))
    return [
        f"{report.trial}: {'; '.join(report.broken)}\n{report.text}"
        for report in run(sample(commands, SIZE, seed), workers)
        if report.broken
    ]


@pytest.mark.parametrize("commands", [DAYTONA, ENGINE_API], ids=["daytona", "engine API"])
def test_promises_are_kept(commands: Sequence[Command]) -> None:
    assert broken(commands, workers=3) == []


@pytest.mark.engine
def test_promises_are_kept_on_an_engine() -> None:
    assert broken(ENGINE, workers=2) == []
