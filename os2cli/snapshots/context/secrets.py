"""Find files that look like secrets before they are sent, or shown to a machine.

Contents are never repeated in messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import UsageError
from os2cli.snapshots.context.context import BuildContext
from os2cli.snapshots.context.entries import (
    ContextEntry,
    EntryKind,
    displayed,
    read_pieces,
)
from os2cli.snapshots.context.secret_files import is_secret_setting, rules_for
from os2cli.snapshots.context.secret_tokens import OVERLAP_BYTES, token_in

# Of a build argument. Wider than what is warned of: a word too many that is hidden in a log is
# nothing. Shorter values would hide half of it.
_SECRET_NAME = re.compile(
    r"(?i)key|token|secret|passw|pass(?![a-z])|pwd|phrase|cred|auth(?!or)|dsn"
)
_MIN_HIDDEN = 6
_LOGIN = re.compile(r"://[^\s/:@]{0,80}:([^\s@]{1,200})@")
_BYTE_ORDER_MARKS = (
    b"\xff\xfe\x00\x00",
    b"\x00\x00\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
)


@dataclass(frozen=True, slots=True)
class SuspiciousFile:
    """A file that should probably not be in an image, and why."""

    path: str
    reason: str


def suspicious_files(context: BuildContext) -> tuple[SuspiciousFile, ...]:
    """Return the files of ``context`` that look like secrets, in its order.

    Links are not followed, and what os2 made is not searched. Raises as reading the context does.
    """
    return tuple(
        SuspiciousFile(entry.path, reason)
        for entry in context.entries
        if entry.kind is EntryKind.FILE
        and entry.folder is None
        and (reason := reason_of(context.root, entry))
    )


def refuse_secrets(context: BuildContext) -> None:
    """Raise if files look like secrets, before they get into an image.

    Raises:
        UsageError: ``secrets_in_context``; ``details`` lists the files, never what is in them.
    """
    found = suspicious_files(context)
    if not found:
        return
    raise UsageError(
        f"the build context has files that look like secrets: {listed(found)}",
        hint="list them in .dockerignore, or pass --allow-secrets if they are harmless",
        code="secrets_in_context",
        details={"files": [file.path for file in found]},
    )


def secret_arguments(arguments: Mapping[str, str]) -> list[str]:
    """Return the names of the build arguments that look like secrets, by name or value."""
    return [
        name
        for name, value in arguments.items()
        if is_secret_setting(f"{name}={value}".encode(errors="surrogateescape"))
        or token_in(value.encode(errors="surrogateescape"))
    ]


def hidden_values(arguments: Mapping[str, str]) -> list[bytes]:
    """Return what logs of a build may not hold: the build arguments that look like secrets.

    Also as builders quote them in a step, and the password of an address by itself.
    """
    suspicious = set(secret_arguments(arguments))
    values = [
        form
        for name, value in arguments.items()
        if name in suspicious or _SECRET_NAME.search(name)
        for form in (value, json.dumps(value, ensure_ascii=False)[1:-1], *_LOGIN.findall(value))
    ]
    return [v.encode(errors="surrogateescape") for v in values if len(v) >= _MIN_HIDDEN]


def listed(files: Iterable[SuspiciousFile]) -> str:
    """Return the first files with their reasons, and the number of the others."""
    files = tuple(files)
    shown = ", ".join(f"{displayed(file.path)} ({file.reason})" for file in files[:5])
    return shown + (f" and {len(files) - 5} more" if len(files) > 5 else "")


def reason_of(root: Path, entry: ContextEntry) -> str | None:
    """Return why a file looks like a secret; None if it does not.

    Raises as reading the context does.
    """
    rules = rules_for(entry.path)
    for part in _parts(read_pieces(root, entry)):
        for rule in rules:
            if rule.looks(part):
                return rule.reason
        if reason := token_in(part):
            return reason
    return None


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield parts of a text that begin with the end of the one before, from a line's start.

    UTF-16 and UTF-32 become ASCII, as far as secrets go, without their zero bytes.
    """
    end = b""
    for number, piece in enumerate(pieces):
        text = piece
        if number == 0:
            mark = next((mark for mark in _BYTE_ORDER_MARKS if text.startswith(mark)), b"")
            text = text.removeprefix(mark)
        part = end + (text.replace(b"\0", b"") if b"\0" in text else text)
        yield part
        end = part[-OVERLAP_BYTES:]
        end = end[end.find(b"\n") + 1 :]
