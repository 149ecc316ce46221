"""Whether what a Dockerfile names as an image can be one, found before an engine is asked for it.

As of the builders: BuildKit 0.8 to 0.30, the one before it, and Podman's.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.expansion import gaps, resolved
from os2cli.snapshots.dockerfile.flags import flags, mount_fields
from os2cli.snapshots.dockerfile.reading import Instruction, Reading
from os2cli.snapshots.dockerfile.stages import Stage, global_names

# The grammar of distribution's package `reference`; a first component with a dot, a colon or
# capitals is a registry's host.
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
_NUMBER = re.compile(r"\+?([0-9]+)", re.ASCII)
_MAX_DIGITS = 6
_CODE = "dockerfile_invalid"


def is_reference(name: str) -> bool:
    """Return whether a name can be an image's."""
    return _REFERENCE.fullmatch(name) is not None


def sources(instruction: Instruction) -> Iterator[tuple[str, str]]:
    """Yield what an instruction takes files from, after the words that name it.

    It is an image, a stage or a stage's number.
    """
    for name, value in flags(instruction.value):
        if instruction.keyword == "COPY" and name == "from":
            yield "COPY --from", value
        elif instruction.keyword == "RUN" and name == "mount":
            yield "RUN --mount=from", mount_fields(value).get("from", "")


def check_references(
    reading: Reading,
    every: Sequence[Stage],
    read: Iterable[Stage],
    known: Mapping[str, str],
) -> None:
    """Reject a Dockerfile that names as an image what no builder takes for one.

    ``every`` are its stages, ``read`` those that its builder looks at. ``known`` are the arguments
    that ``FROM`` may use.

    Raises:
        UsageError: it names the line, and what is missing there (``dockerfile_invalid``).
    """
    names = {stage.name for stage in every if stage.name}
    for stage in read:
        _check_base(reading, stage, names, known)
        for instruction in stage.body:
            for words, source in sources(instruction):
                if source and source.lower() not in names:
                    where = f"{place(instruction.first, stage)}: {words}"
                    _check_source(where, source, len(every))


def check_frontend(where: str, image: str) -> None:
    """Reject the name of a frontend that cannot be an image's; ``where`` it is given."""
    if not is_reference(image):
        raise UsageError(
            f"{where}={image}: invalid image {image!r}",
            hint="write it as docker/dockerfile:1, or leave it out",
            code=_CODE,
        )


def place(first: int, stage: Stage | None) -> str:
    """Return where an instruction stands; ``first`` is the index of its line."""
    name = f", in stage {stage.name}" if stage and stage.name else ""
    return f"line {first + 1} of the Dockerfile{name}"


def argument_hint(name: str, *, declared: bool, above: str = "the first FROM") -> str:
    """Return how a build argument gets a value."""
    if declared:
        return f"pass it: os2 snapshot local-docker --build-arg {name}=VALUE"
    return f"declare it above {above}: ARG {name}=VALUE"


def _check_base(
    reading: Reading, stage: Stage, names: Container[str], known: Mapping[str, str]
) -> None:
    image = resolved(stage.base, reading.escape, known)
    lacks = gaps(stage.base, reading.escape, known)
    if not stage.base or lacks.is_open:
        # Not the name is wrong, but the instruction: the builder reports it.
        return
    where = f"{place(stage.first, stage)}: FROM {stage.base}"
    if lacks.required:
        name, message = lacks.required[0]
        problem = f"requires {name}: {message or 'it is not set'}"
    elif image.lower() in names or is_reference(image):
        return
    elif lacks.empty:
        name = lacks.empty[0]
        problem = f"names no image, because {name} has no value"
    else:
        raise _invalid(where, image)
    hint = argument_hint(name, declared=name in global_names(reading))
    raise UsageError(f"{where} {problem}", hint=hint, code=_CODE)


def _check_source(where: str, source: str, stages: int) -> None:
    if "$" in source:
        raise UsageError(
            f"{where}={source}: builders expand no variables there",
            hint=f"use the name of a stage: FROM {source} AS NAME",
            code=_CODE,
        )
    if number := _NUMBER.fullmatch(source):
        if len(number[1]) > _MAX_DIGITS or int(number[1]) >= stages:
            raise UsageError(
                f"{where}={source}: the Dockerfile has no stage of that number",
                hint="use the name of a stage: FROM IMAGE AS NAME",
                code=_CODE,
            )
    elif not is_reference(source):
        raise _invalid(where, source)


def _invalid(where: str, image: str) -> UsageError:
    return UsageError(
        f"{where}: invalid image {image!r}",
        hint="write it as [HOST/]NAME[:TAG][@DIGEST], NAME in lower case",
        code=_CODE,
    )
