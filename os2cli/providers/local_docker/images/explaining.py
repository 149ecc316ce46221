"""What a failed build comes from, where the builder's words and the Dockerfile tell it together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from os2cli.core.errors import OperationFailed
from os2cli.providers.local_docker.images.build_events import FILE_NOT_FOUND
from os2cli.snapshots.dockerfile.flags import flags, mount_fields, without_flags
from os2cli.snapshots.dockerfile.reading import Instruction, Reading, read
from os2cli.snapshots.dockerfile.references import argument_hint, place, sources
from os2cli.snapshots.dockerfile.shell_words import exec_form, split_words
from os2cli.snapshots.dockerfile.stages import Stage, argument_names, global_names, stages

# Of `${NAME:?MESSAGE}`, in a word that is quoted as Go does.
_REQUIRED = re.compile(r'failed to process ("(?:[^"\\]|\\.)*"): (\w+): (.+)$', re.DOTALL)
_LATER = re.compile(
    r'cannot copy from stage "(?P<name>[^"]+)", it needs to be defined before current stage'
    r"|invalid from flag value (?P<classic>\S+): "
    r"|COPY --from=(?P<podman>\S+): no stage or image found"
    r"|circular dependency detected on stage: "
)
_MAX_DIGITS = 6


def explained_with(failure: OperationFailed, dockerfile: str) -> OperationFailed | None:
    """Return the failure with the place in the Dockerfile that it comes from; None if unknown."""
    reading = read(dockerfile)
    path = failure.details.get("path") if failure.code == FILE_NOT_FOUND else None
    if path is not None:
        return _missing_file(failure, reading, str(path))
    if found := _REQUIRED.search(failure.message):
        return _required(failure, reading, found)
    if found := _LATER.search(failure.message):
        return _later(failure, reading, found)
    return None


def _missing_file(failure: OperationFailed, reading: Reading, path: str) -> OperationFailed | None:
    """Return the failure for a file that is in no stage or image; None for one of the context."""
    for stage in stages(reading):
        for instruction in stage.body:
            for source, paths in _copied(instruction, reading.escape):
                if path.strip("/") in (each.strip("/") for each in paths):
                    return _of_source(failure, reading, path, source, instruction)
    return None


def _of_source(
    failure: OperationFailed, reading: Reading, path: str, source: str, instruction: Instruction
) -> OperationFailed | None:
    if not source:
        return None
    names = {stage.name for stage in stages(reading)}
    what = "stage" if source.isdecimal() or source.lower() in names else "image"
    return _again(
        failure,
        f"cannot build the image: {what} {source} has no /{path.lstrip('/')}",
        hint=f"fix the path in {place(instruction.first, None)}",
    )


def _copied(instruction: Instruction, escape: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what an instruction takes files from, empty for the context, and their paths."""
    if instruction.keyword in ("COPY", "ADD"):
        value = without_flags(instruction.value)
        words = exec_form(value) or tuple(word[0] for word in split_words(value, escape))
        source = next((source for _, source in sources(instruction)), "")
        yield source, list(words[:-1])
    elif instruction.keyword == "RUN":
        for name, value in flags(instruction.value):
            fields = mount_fields(value) if name == "mount" else {}
            yield fields.get("from", ""), [fields.get("source") or fields.get("src") or "/"]


def _required(
    failure: OperationFailed, reading: Reading, found: re.Match[str]
) -> OperationFailed | None:
    try:
        word = str(json.loads(found[1]))
    except ValueError:
        return None
    name = found[2]
    where = next((each for each in _placed(reading) if word in each[0].value), None)
    if where is None:
        return None
    instruction, stage = where
    line = place(instruction.first, stage)
    return _again(
        failure,
        f"cannot build the image: {line}: {instruction.keyword} requires {name}: {found[3]}",
        hint=_argument(reading, stage, instruction, name),
    )


def _argument(reading: Reading, stage: Stage | None, user: Instruction, name: str) -> str:
    if stage is None:
        return argument_hint(name, declared=name in global_names(reading))
    arguments = (each for each in stage.body if each.keyword == "ARG" and each.first < user.first)
    declared = any(name in argument_names(each, reading.escape) for each in arguments)
    return argument_hint(name, declared=declared, above=f"line {user.first + 1}")


def _later(
    failure: OperationFailed, reading: Reading, found: re.Match[str]
) -> OperationFailed | None:
    """Return the failure for files of a stage that is built after the one that takes them."""
    meant = next(filter(None, found.groups()), None)
    every = stages(reading)
    numbers = {each.name: number for number, each in enumerate(every) if each.name}
    for number, stage in enumerate(every):
        for instruction in stage.body:
            for words, source in sources(instruction):
                known = source.isdecimal() and len(source) <= _MAX_DIGITS
                later = int(source) if known else numbers.get(source.lower(), -1)
                if number <= later < len(every) and meant in (None, source, every[later].name):
                    what = "its own stage" if later == number else "a later stage"
                    return _again(
                        failure,
                        f"cannot build the image: {place(instruction.first, stage)}:"
                        f" {words}={source} names {what}",
                        hint="name an earlier stage, or move that one up",
                    )
    return None


def _placed(reading: Reading) -> Iterator[tuple[Instruction, Stage | None]]:
    """Yield the instructions that builders expand words of, with their stages."""
    for instruction in reading.instructions:
        if instruction.keyword == "FROM":
            break
        yield instruction, None
    for stage in stages(reading):
        yield from ((each, stage) for each in stage.body if each.keyword != "RUN")


def _again(failure: OperationFailed, message: str, *, hint: str) -> OperationFailed:
    return OperationFailed(
        message,
        hint=hint,
        code=failure.code,
        details=failure.details,
        log_tail=failure.log_tail,
    )
