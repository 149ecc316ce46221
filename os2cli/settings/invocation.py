"""What one invocation was asked globally: the flags that every command takes, anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from os2cli.core.errors import UsageError


class ProgressMode(StrEnum):
    """How long operations speak on stderr; the value is what ``--progress`` takes.

    ``auto`` is a live region on a terminal and plain lines elsewhere; ``none`` leaves errors only.
    """

    AUTO = "auto"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


@dataclass(slots=True)
class Invocation:
    """The global flags, filled in while the command line is parsed."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_input: bool = False
    progress: ProgressMode | None = None


def parse_progress(text: str, origin: str) -> ProgressMode:
    """Read a way to show progress; ``origin`` names the option or the variable.

    Raises:
        UsageError: there is no such way.
    """
    try:
        return ProgressMode(text.strip().lower())
    except ValueError:
        raise UsageError(
            f"{origin} {text!r} is no way to show progress",
            hint=f"use one of {', '.join(ProgressMode)}",
            code="option_invalid" if origin.startswith("-") else "setting_invalid",
        ) from None
