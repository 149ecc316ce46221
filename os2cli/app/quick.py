"""Quick answers for scripts that ask in loops, without assembling the command line.

Typer takes longer to import than a cached resolution takes to read. Anything but the plainest
arguments is left to the command itself, which gives the same answer more slowly.
"""

from __future__ import annotations

from collections.abc import Sequence

from os2cli import __version__

RESOLVE = ("snapshot", "resolve")
_QUIET = ("-q", "--quiet")


def quick_answer(arguments: Sequence[str]) -> str | None:
    """Return the one line of output, or None when the command must run."""
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
    """Return the value of ``--stage``, and whether nothing but ``--quiet`` is beside it."""
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
