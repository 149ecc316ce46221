"""The stages that a build needs: BuildKit builds no others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.flags import flags, mount_fields
from os2cli.snapshots.dockerfile.stages import Stage

_MAX_DIGITS = 6


def needed(found: Sequence[Stage], escape: str, known: Mapping[str, str], last: int) -> list[Stage]:
    """Return the stage at index ``last`` and those that it is made of, in their order.

    ``known`` are the arguments that ``FROM`` may use. Older versions also copy from stages that
    come later: of those the last one with a name counts.
    """
    numbers: dict[str, list[int]] = {}
    for number, stage in enumerate(found):
        numbers.setdefault(stage.name, []).append(number)
    pending, taken = [last] if found else [], set[int]()
    while pending:
        number = pending.pop()
        if number in taken:
            continue
        taken.add(number)
        stage = found[number]
        pending += _before(numbers, resolved(stage.base, escape, known).lower(), number)
        for name in _stages_of(stage):
            pending += _before(numbers, name, number)
            pending += _before(numbers, name, len(found))
    return [found[number] for number in sorted(taken)]


def _before(numbers: Mapping[str, Sequence[int]], name: str, number: int) -> Iterator[int]:
    """Yield the stage before stage ``number`` that a name or a number stands for, if any."""
    if name.isdecimal() and len(name) <= _MAX_DIGITS:
        if int(name) < number:
            yield int(name)
    elif name:
        same = numbers.get(name, ())
        if index := bisect_left(same, number):
            yield same[index - 1]


def _stages_of(stage: Stage) -> Iterator[str]:
    for instruction in stage.body:
        for name, value in flags(instruction.value):
            if name == "from":
                yield value.lower()
            elif name == "mount":
                yield mount_fields(value).get("from", "").lower()
