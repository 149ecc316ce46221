"""The arguments of a build: ``--build-arg KEY=VALUE``, or ``KEY`` with the value it has here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from os2cli.core.parsing import parse_pairs
from os2cli.core.progress import Progress
from os2cli.core.redaction import is_like_a_variable, mask_tokens
from os2cli.snapshots.context import secret_arguments

_OPTION = "--build-arg"


def read_arguments(
    options: Sequence[str], lookup: Callable[[str], str | None], progress: Progress
) -> dict[str, str]:
    """Return the arguments by name; a later one wins.

    ``lookup`` returns a variable's value on this host. An argument without one keeps the
    Dockerfile's default, with a warning; so has one that looks like a secret.

    Raises:
        UsageError: an option has no name.
    """
    given = []
    for option in options:
        value = None if "=" in option else lookup(option)
        if value is not None:
            given.append(f"{option}={value}")
        elif "=" in option or not option.strip():
            given.append(option)
        else:
            shown = f" {option}" if is_like_a_variable(option) else ""
            progress.warn(f"{_OPTION}{shown} is not set here: the Dockerfile's default counts")
    arguments = parse_pairs(given, _OPTION)
    for name in secret_arguments(arguments):
        progress.warn(
            f"{_OPTION} {mask_tokens(name)} looks like a secret: it stays in the image's"
            " history and in logs; mount it instead: --secret id=NAME"
        )
    return arguments
