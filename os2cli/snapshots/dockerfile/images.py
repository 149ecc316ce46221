"""The images that a Dockerfile names: of ``FROM``, ``COPY --from``, mounts and its syntax."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.flags import flags, mount_fields
from os2cli.snapshots.dockerfile.needed import needed
from os2cli.snapshots.dockerfile.reading import Instruction, Reading
from os2cli.snapshots.dockerfile.stages import Stage, global_arguments, stages

_EMPTY = "scratch"
_SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"


def named_images(
    reading: Reading,
    arguments: Mapping[str, str],
    platform: Mapping[str, str],
    target: str | None,
    *,
    every_stage: bool = True,
) -> tuple[str, ...]:
    """Return the images that a build may take something from, each once, in their order.

    ``arguments`` are the build arguments, ``platform`` those that builders set themselves, such as
    ``TARGETARCH``. Stages after ``target`` are left out, and without ``every_stage`` also those
    that it is not made of.

    Raises:
        UsageError: no stage is called ``target`` (``target_unknown``).
    """
    syntax = arguments.get(_SYNTAX_ARGUMENT) or reading.syntax
    images = [syntax] if syntax else []
    known = global_arguments(reading, arguments, platform)
    built = until(stages(reading), target)
    names = {stage.name for stage in built if stage.name}
    before: set[str] = set()
    for stage in built if every_stage else needed(built, reading.escape, known):
        base = resolved(stage.base, reading.escape, known)
        if base and base != _EMPTY and base.lower() not in before:
            images.append(base)
        images += [
            source
            for instruction in stage.body
            for source in _sources(instruction)
            if source and not source.isdecimal() and source.lower() not in names
        ]
        before.add(stage.name)
    return tuple(dict.fromkeys(images))


def until(found: list[Stage], target: str | None) -> Sequence[Stage]:
    """Return the stages up to ``target``; raises ``UsageError`` if there is none of that name."""
    if not target:
        return found
    for index, stage in enumerate(found):
        if target.lower() == stage.name or target == str(index):
            return found[: index + 1]
    names = ", ".join(stage.name for stage in found if stage.name)
    raise UsageError(
        f"--target {target}: the Dockerfile has no such stage",
        hint=f"its stages: {names}" if names else "name a stage: FROM … AS NAME",
        code="target_unknown",
    )


def _sources(instruction: Instruction) -> Iterator[str]:
    """Yield what an instruction copies from or mounts: an image, a stage or its number."""
    for name, value in flags(instruction.value):
        if instruction.keyword == "COPY" and name == "from":
            yield value
        elif instruction.keyword == "RUN" and name == "mount":
            yield mount_fields(value).get("from", "")
