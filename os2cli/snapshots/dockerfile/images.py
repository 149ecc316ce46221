"""The images that a Dockerfile names: of ``FROM``, ``COPY --from``, mounts and its syntax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.needed import needed
from os2cli.snapshots.dockerfile.reading import Reading, frontend_image
from os2cli.snapshots.dockerfile.references import (
    check_frontend,
    check_references,
    is_reference,
    place,
    sources,
)
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
    reads_all: bool = False,
    has_frontends: bool = True,
) -> tuple[str, ...]:
    """Return the images that a build may take something from, each once, in their order.

    ``arguments`` are the build arguments, ``platform`` those that builders set themselves, such as
    ``TARGETARCH``. Stages after ``target`` are left out, and without ``every_stage`` also those
    that it is not made of. ``reads_all``: a mistake in a stage that is left out counts too.
    ``has_frontends`` False: the builder takes ``# syntax=`` for a comment.

    Raises:
        UsageError: no stage is called ``target`` (``target_unknown``); something is named that
            cannot be an image (``dockerfile_invalid``), unless a frontend may know better.
    """
    syntax = _frontend(reading, arguments) if has_frontends else ""
    images = [syntax] if syntax else []
    known = global_arguments(reading, arguments, platform)
    every = stages(reading)
    built = until(every, target)
    if not every_stage:
        built = needed(every, reading.escape, known, len(built) - 1)
    if not syntax:
        check_references(reading, every, every if reads_all else built, known)
    names = {stage.name for stage in every if stage.name}
    before: set[str] = set()
    for stage in built:
        base = resolved(stage.base, reading.escape, known)
        if base != _EMPTY and base.lower() not in before and is_reference(base):
            images.append(base)
        images += [
            source
            for instruction in stage.body
            for _, source in sources(instruction)
            if not source.isdecimal() and source.lower() not in names and is_reference(source)
        ]
        before.add(stage.name)
    return tuple(dict.fromkeys(images))


def _frontend(reading: Reading, arguments: Mapping[str, str]) -> str:
    """Return the image that reads the Dockerfile, empty for the builder's own reading."""
    if chosen := frontend_image(arguments.get(_SYNTAX_ARGUMENT, "")):
        check_frontend(f"--build-arg {_SYNTAX_ARGUMENT}", chosen)
        return chosen
    if reading.syntax:
        check_frontend(f"{place(reading.syntax_line, None)}: # syntax", reading.syntax)
    return reading.syntax


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
