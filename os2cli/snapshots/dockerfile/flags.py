"""The flags between an instruction's keyword and the rest of its value."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from os2cli.snapshots.dockerfile.shell_words import SPACE

# A backslash escapes here, even if a directive changes the escape character.
_FLAG = re.compile(
    rf"--(?=[^{SPACE}])(?P<text>(?:\\."
    r'|"[^"\\]*+(?:\\.[^"\\]*+)*"'
    r"|'[^'\\]*+(?:\\.[^'\\]*+)*'"
    rf"""|[^{SPACE}"'\\])*)(?:[{SPACE}]++|\Z)""",
    re.DOTALL,
)


def flags(value: str) -> list[tuple[str, str]]:
    """Return the names and values of the flags that a value begins with."""
    found = []
    for flag in _flags(value):
        name, _, text = _unquoted(flag["text"]).partition("=")
        found.append((name.lower(), text))
    return found


def without_flags(value: str) -> str:
    """Return a value without the flags that it begins with."""
    end = 0
    for flag in _flags(value):
        end = flag.end()
    return value[end:]


def mount_fields(value: str) -> dict[str, str]:
    """Return the fields of a ``--mount``."""
    pairs = (field.partition("=") for field in next(csv.reader([value]), []))
    return {name.lower(): text for name, _, text in pairs}


def _flags(value: str) -> Iterator[re.Match[str]]:
    end = 0
    while flag := _FLAG.match(value, end):
        yield flag
        end = flag.end()


def _unquoted(text: str) -> str:
    kept, quote = [], ""
    signs = iter(text)
    for sign in signs:
        if sign == "\\":
            kept.append(next(signs, ""))
        elif sign == quote:
            quote = ""
        elif not quote and sign in "\"'":
            quote = sign
        else:
            kept.append(sign)
    return "".join(kept)
