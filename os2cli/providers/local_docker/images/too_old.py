"""What a builder is too old for, read from its own words about the Dockerfile.

Builders call what they don't know a mistake: a here-document's second line is an unknown
instruction to them. The words are those of Docker 20.10 to 29 and of Podman 4 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from os2cli.core.errors import OperationFailed
from os2cli.snapshots.dockerfile.flags import flags
from os2cli.snapshots.dockerfile.reading import Instruction, Reading, read

# As the newest published frontend documents them.
_FLAGS = {
    "FROM": {"platform"},
    "RUN": {"device", "mount", "network", "security"},
    "COPY": {"chmod", "chown", "exclude", "from", "link", "parents"},
    "ADD": {"checksum", "chmod", "chown", "exclude", "keep-git-dir", "link", "unpack"},
    "HEALTHCHECK": {"interval", "retries", "start-interval", "start-period", "timeout"},
}
_UNKNOWN_INSTRUCTION = re.compile(r'unknown instruction: "?([^\s"]+)', re.IGNORECASE)
# As a flag of RUN --mount has them.
_KEYS = {"env", "from", "gid", "id", "mode", "required", "rw", "sharing", "size", "source", "uid"}
_UNKNOWN_KEY = re.compile(r"unexpected key '(\w+)' in '")
_UNKNOWN_FLAG = re.compile(
    r"unknown flag: -{0,2}([\w-]+)|the --([\w-]+) option requires buildkit"
    r"|flag provided but not defined: -{1,2}([\w-]+)",
    re.IGNORECASE,
)
_STEP = 'building at STEP "'
_ONLY = re.compile(r"\w+ only supports ")
_SUBSTITUTION = re.compile(
    r"(?:missing ':' in|unsupported modifier \S+ in) substitution", re.IGNORECASE
)
_NEWER_SUBSTITUTION = re.compile(r"\$\{\w{1,100}[#%/][^${}\s]{0,200}\}")
_HERE_DOCUMENTS = "here-documents"


def too_old(failure: OperationFailed, dockerfile: str, *, buildkit: bool) -> OperationFailed | None:
    """Return a failed build as a failure of a builder that is too old; None if it is not one.

    ``buildkit`` says whether BuildKit built it, which gets newer frontends from a registry.
    """
    reading = read(dockerfile)
    part = next(_unknown(failure.message, reading), None)
    if part is None:
        return None
    update = "update the engine, or use another: --docker-host"
    syntax = "begin the Dockerfile with # syntax=docker/dockerfile:1, or update the engine"
    return OperationFailed(
        f"cannot build the image: this engine's builder is too old for {part}",
        hint=syntax if buildkit and not reading.syntax else update,
        code="builder_too_old",
        log_tail=failure.log_tail,
    )


def _unknown(reason: str, reading: Reading) -> Iterator[str]:
    """Yield the parts of a Dockerfile that a builder takes for mistakes, and that are none."""
    instructions = reading.instructions
    if found := _UNKNOWN_INSTRUCTION.search(reason):
        known = {each.keyword for each in instructions}
        if _with_here_documents(instructions) and found[1].upper() not in known:
            yield _HERE_DOCUMENTS
    if found := _UNKNOWN_FLAG.search(reason):
        name = next(filter(None, found.groups())).lower()
        yield from (flag for flag in _flags(instructions) if flag.endswith(f" --{name}"))
    if (found := _UNKNOWN_KEY.search(reason)) and found[1] in _KEYS:
        yield f"{found[1]}= in RUN --mount"
    step, _, words = reason.partition(_STEP)[2].partition('": ')
    # It looks for a file of that name. Elsewhere it is a script that fails.
    if "<<" in words and _with_here_documents(instructions):
        yield _HERE_DOCUMENTS
    if _ONLY.match(words):
        used = _flags(read(step).instructions)
        yield from (flag for flag in used if flag.partition(" ")[2] not in words)
    if _SUBSTITUTION.search(reason) and (found := _NEWER_SUBSTITUTION.search(reason)):
        yield f"the substitution {found[0]}"


def _with_here_documents(instructions: list[Instruction]) -> list[Instruction]:
    return [each for each in instructions if each.with_here_documents]


def _flags(instructions: list[Instruction]) -> Iterator[str]:
    """Yield the flags in use that newer builders know: ``COPY --link``."""
    for instruction in instructions:
        for name, _ in flags(instruction.value):
            if name in _FLAGS.get(instruction.keyword, ()):
                yield f"{instruction.keyword} --{name}"
