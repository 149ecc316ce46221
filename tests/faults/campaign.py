"""Many trials at once: all of them, or a sample that a seed chooses."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.faults.commands import Command
from tests.faults.kinds import FAULTS
from tests.faults.trial import INTERRUPTIONS, Report, Trial, rehearse, try_out

# Most of a trial is waiting.
WORKERS = 6


def all_trials(commands: Iterable[Command]) -> list[Trial]:
    """Return each fault and each signal at each call of each command."""
    return [
        Trial(command, fault, call)
        for command in commands
        for call in _telling(rehearse(command).calls)
        for fault in (*FAULTS, *INTERRUPTIONS)
    ]


def _telling(calls: Sequence[str]) -> list[int]:
    """Return the numbers of the calls without those that only poll on: each line's first two."""
    return [number for number, line in enumerate(calls, 1) if calls[: number - 1].count(line) < 2]


def sample(commands: Sequence[Command], size: int, seed: int) -> list[Trial]:
    """Return ``size`` trials: a seed always chooses the same ones.

    The call is drawn from those of the longest command; a command that makes fewer meets nothing.
    """
    chance = random.Random(seed)  # noqa: S311  a choice, not a secret
    chosen = chance.choices(commands, k=size)
    counts = {command: len(rehearse(command).calls) for command in dict.fromkeys(chosen)}
    faults = (*FAULTS, *INTERRUPTIONS)
    return [
        Trial(command, chance.choice(faults), chance.randint(1, max(counts[command], 1)))
        for command in chosen
    ]


def run(trials: Sequence[Trial], workers: int = WORKERS) -> Iterator[Report]:
    """Run trials, several at once, in order."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(try_out, trials)
