"""The answers that scripts ask for in loops, given without assembling the command line.

Typer and what it needs take longer to import than a cached resolution takes to read. Whatever is
not plain here is left to the command itself, which says the same more slowly.
"""

from __future__ import annotations

from collections.abc import Sequence

from os2cli import __version__

RESOLVE = ("snapshot", "resolve")
_QUIET = ("-q", "--quiet")


def quick_answer(arguments: Sequence[str]) -> str | None:
    """The one line of output, or None when the command has to run."""
    if list(arguments) == ["--version"]:
        return f"os2 {__version__}"
    if tuple(arguments[:2]) != RESOLVE:
        return None
    stage, understood = _stage_option(arguments[2:])
    if not understood:
        return None
    # --version is answered without settings and cache.
    from os2cli.app.cached_resolution import cached_name

    return cached_name(stage)


def _stage_option(arguments: Sequence[str]) -> tuple[str | None, bool]:
    """The value of ``--stage``, and whether there is nothing else but ``--quiet``."""
    words = list(arguments)
    # Only around it: between an option and its value it would be the value.
    for end in (0, -1):
        while words and words[end] in _QUIET:
            words.pop(end)
    match words:
        case []:
            return None, True
        case ["--stage", value] if not value.startswith("-"):
            return value, True
        case [single] if single.startswith("--stage="):
            return single.partition("=")[2], True
    return None, False
