"""The entrypoint that an image gets from the text, and a text in which a search finds it.

Daytona does not look into the image. A regular expression searches the text, with all stages and
comments, for the last ``ENTRYPOINT`` and takes the rest of the line. A JSON array is then the
command; anything else becomes the name of *one* program, blanks included.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from os2cli.core.errors import UsageError
from os2cli.core.json_text import parse_json
from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.reading import (
    Instruction,
    Reading,
    read,
)
from os2cli.snapshots.dockerfile.shell_words import exec_form
from os2cli.snapshots.dockerfile.stages import global_arguments, stages

_MAX_PASSES = 10
_DEFAULT_SHELL = ("/bin/sh", "-c")
# What Daytona may search for; a `.` of JavaScript stops at each of these line ends.
_SEARCHES = tuple(
    re.compile(r"ENTRYPOINT\s+([^\n\r\u2028\u2029]*)", flags) for flags in (0, re.IGNORECASE)
)


@dataclass(frozen=True, slots=True)
class _Stage:
    """The state of a build stage; None is inherited from an image outside of the text.

    ``value`` is the entrypoint as it was written, ``entrypoint`` and ``command`` are arguments.
    ``sets_…`` tell what this stage sets itself.
    """

    value: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    shell: tuple[str, ...] = _DEFAULT_SHELL
    sets_entrypoint: bool = False
    sets_command: bool = False

    def after(self, instruction: Instruction) -> _Stage:
        """Return the stage after ``instruction``."""
        value = instruction.value
        match instruction.keyword:
            case "SHELL":
                return replace(self, shell=exec_form(value) or self.shell)
            case "CMD":
                return replace(self, command=self._arguments(value), sets_command=True)
            case "ENTRYPOINT":
                arguments = self._arguments(value)
                return replace(
                    self,
                    value=value if arguments else None,
                    entrypoint=arguments,
                    # A command of an earlier stage belongs to another entrypoint.
                    command=self.command if self.sets_command else None,
                    sets_entrypoint=True,
                )
        return self

    def _arguments(self, value: str) -> tuple[str, ...] | None:
        if not value:
            return None
        arguments = exec_form(value)
        return (*self.shell, value) if arguments is None else arguments or None


def entrypoint(text: str) -> str | None:
    """Return the value of the last stage's final ``ENTRYPOINT``, on one line.

    It may come from an earlier stage that this one is built on. None if the text has none, so it is
    the base image's, or if ``ENTRYPOINT []`` resets it.
    """
    return _last_stage(read(text)).value


def with_plain_entrypoint(text: str) -> str:
    """Return a text in which a search for ``ENTRYPOINT …`` finds what the built image has.

    Unless it already does, append an ``ENTRYPOINT`` that changes nothing in the image. It is always
    a JSON array: the shell form is written out with the current ``SHELL``, by default Docker's.
    A text without an entrypoint is returned as it is.
    """
    reading = read(text)
    stage = _last_stage(reading)
    if stage.entrypoint is None or all(
        _found(search, text) == stage.entrypoint for search in _SEARCHES
    ):
        return text
    text = _ended(text)
    lines = [] if text.endswith("\n") else [""]
    if text.rstrip().upper().endswith("ENTRYPOINT"):
        lines.append("#")  # else a search would start here and find the appended keyword
    if stage.command and not (stage.sets_entrypoint or stage.sets_command):
        # An entrypoint drops the command of earlier stages, so repeat it.
        lines.append(f"CMD {json.dumps(stage.command)}")
    lines.append(f"ENTRYPOINT {json.dumps(stage.entrypoint)}")
    return text + "\n".join(lines) + "\n"


def _ended(text: str) -> str:
    """Return the text without escape characters at its end, which would swallow what follows."""
    for _ in range(_MAX_PASSES):
        reading = read(text)
        if not reading.dangling:
            return text
        parts, done = [], 0
        for offset in reversed(reading.dangling):
            parts.append(text[done : _start_of_escapes(text, offset, reading.escape)])
            done = offset + 1
        text = "".join([*parts, text[done:]])
    raise UsageError(
        f"the Dockerfile ends in too many {reading.escape}",
        hint="remove them from its last lines",
        code="dockerfile_invalid",
    )


def _start_of_escapes(text: str, offset: int, escape: str) -> int:
    """Return where the escape characters begin that end a line at ``offset``, blanks between."""
    while True:
        end = offset
        while text[end - 1 : end] in ("\t", " "):
            end -= 1
        if text[end - 1 : end] != escape or text[end - 2 : end - 1] == escape:
            return offset
        offset = end - 1


def _found(search: re.Pattern[str], text: str) -> tuple[str, ...] | None:
    """Return what a search takes for the entrypoint."""
    matches = search.findall(text)
    try:
        arguments = parse_json(matches[-1]) if matches else None
    except ValueError:
        return None
    return tuple(arguments) if isinstance(arguments, list) else None


def _last_stage(reading: Reading) -> _Stage:
    arguments = global_arguments(reading, {})
    before: dict[str, _Stage] = {}
    last = _Stage()
    for stage in stages(reading):
        base = resolved(stage.base, reading.escape, arguments).lower()
        start = before.get(base, _Stage()) if base else _Stage()
        last = replace(start, sets_entrypoint=False, sets_command=False)
        for instruction in stage.body:
            last = last.after(instruction)
        before[stage.name] = last
    return last
