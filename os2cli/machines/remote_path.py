"""The two sides of a copy: a path in a machine, and one on this host."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import cast

from os2cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path in a machine, or one on this host when ``machine`` is None."""

    machine: str | None
    path: str

    @classmethod
    def parse(cls, text: str) -> RemotePath:
        """Parse ``NAME:PATH``; with a slash before the colon it is a path on this host."""
        name, colon, path = text.partition(":")
        if not colon or "/" in name or not name:
            return cls(None, text)
        return cls(name, path or ".")


def check_pair(source: RemotePath, target: RemotePath) -> str:
    """Return the machine's name; raise ``UsageError`` unless exactly one side names one."""
    if (source.machine is None) != (target.machine is None):
        return cast("str", source.machine or target.machine)
    both = source.machine is not None
    raise UsageError(
        "both sides are in machines" if both else "neither side is in a machine",
        hint="copy via this host"
        if both
        else "name one: os2 machine cp FILE NAME:PATH, or NAME:PATH FILE",
        code="copy_sides",
    )


def own_name(path: str) -> str:
    """Return the base name of a path; ``.`` if it ends in one, which means the content."""
    last = posixpath.basename(path.rstrip("/"))
    return "." if last in ("", ".", "..") else last
