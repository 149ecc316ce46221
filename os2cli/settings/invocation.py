"""The global flags of one invocation, which every command takes anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from os2cli.core.errors import UsageError


class ProgressMode(StrEnum):
    """The form of progress on stderr; the value is what ``--progress`` takes.

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
    """Parse a progress mode; ``origin`` names the option or the variable.

    Raises:
        UsageError: the mode is unknown.
    """
    try:
        return ProgressMode(text.strip().lower())
    except ValueError:
        raise UsageError(
            f"{origin}: unknown progress mode {text!r}",
            hint=f"choose one of {', '.join(ProgressMode)}",
            code="option_invalid" if origin.startswith("-") else "setting_invalid",
        ) from None
