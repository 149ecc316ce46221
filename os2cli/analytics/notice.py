"""What somebody is told once, before the first of his commands is tracked."""

from __future__ import annotations

import sys
from contextlib import suppress

from os2cli.analytics import state_files
from os2cli.analytics.parameters import Parameters
from os2cli.core.errors import Os2Error
from os2cli.settings.invocation import Invocation, ProgressMode, parse_progress


def show_notice_once(parameters: Parameters, invocation: Invocation) -> None:
    """Say on a terminal what is sent where, unless that was said before."""
    if not _heard(parameters, invocation):
        return
    with suppress(OSError):
        if state_files.write_if_absent(parameters.folder / "noticed", ""):
            sys.stderr.write(
                f"Usage (commands and how they end, no names) is sent to {parameters.host}; "
                "see it: os2 analytics show; turn it off: os2 analytics off\n"
            )


def _heard(parameters: Parameters, invocation: Invocation) -> bool:
    """Whether somebody is there to read it."""
    mode = invocation.progress
    with suppress(Os2Error):
        mode = mode or parse_progress(parameters.progress, "OS2_PROGRESS")
    for_programs = mode in (ProgressMode.JSON, ProgressMode.NONE)
    return not (invocation.quiet or invocation.json or for_programs) and sys.stderr.isatty()
