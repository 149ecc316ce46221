"""Whether a Dockerfile takes the ``.git`` from the build context."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.flags import flags, mount_fields, without_flags
from os2cli.snapshots.dockerfile.images import until
from os2cli.snapshots.dockerfile.needed import needed
from os2cli.snapshots.dockerfile.reading import Instruction, Reading
from os2cli.snapshots.dockerfile.shell_words import exec_form, split_words
from os2cli.snapshots.dockerfile.stages import declared_arguments, global_arguments, stages

_GIT = ".git"


def git_use(
    reading: Reading, arguments: Mapping[str, str], target: str | None
) -> Instruction | None:
    """Return the first instruction that copies or mounts ``.git`` or a file in it, or None.

    A pattern such as ``.git*`` may match other files, and does not count. Only stages that
    ``target``, by default the last, is made of are read.

    Raises:
        UsageError: no stage is called ``target`` (``target_unknown``).
    """
    known = global_arguments(reading, arguments)
    every = stages(reading)
    last = len(until(every, target)) - 1
    for stage in needed(every, reading.escape, known, last):
        variables = dict(known)
        for instruction in stage.body:
            if instruction.keyword == "ARG":
                variables |= declared_arguments(instruction, reading.escape, variables, arguments)
            sources = _sources(instruction, reading.escape)
            if any(_is_git(resolved(each, reading.escape, variables)) for each in sources):
                return instruction
    return None


def _sources(instruction: Instruction, escape: str) -> Iterator[str]:
    """Yield the paths in the build context that an instruction takes, as they are written."""
    given = flags(instruction.value)
    if instruction.keyword == "RUN":
        for name, value in given:
            fields = mount_fields(value) if name == "mount" else {"type": ""}
            if fields.get("type", "bind") == "bind" and not fields.get("from"):
                yield fields.get("source") or fields.get("src") or ""
    elif instruction.keyword in ("COPY", "ADD") and "from" not in dict(given):
        value = without_flags(instruction.value)
        words = exec_form(value) or tuple(word[0] for word in split_words(value, escape))
        yield from words[:-1]


def _is_git(path: str) -> bool:
    return posixpath.normpath(f"/{path.lstrip('/')}").split("/")[1] == _GIT
