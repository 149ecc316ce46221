"""Around every command, when a project is set: the notice, the tracking, the delivery."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from os2cli.analytics import state_files
from os2cli.analytics.parameters import Parameters
from os2cli.analytics.tracking import Analytics
from os2cli.core.errors import Os2Error
from os2cli.host.repository import find_repository
from os2cli.settings.invocation import Invocation, ProgressMode, parse_progress
from os2cli.settings.settings import load_settings

# It is what the notice is about, and may be about to change what is in effect.
OWN_COMMANDS = "analytics."


@contextmanager
def tracked_command(
    procedure: str, given: Mapping[str, Any], invocation: Invocation
) -> Iterator[None]:
    """Track the command that runs inside; what it raises goes on as it is."""
    analytics = None if procedure.startswith(OWN_COMMANDS) else _analytics()
    if analytics is None or not analytics.consent.on:
        yield
        return
    show_notice_once(analytics.parameters, invocation)
    if analytics.tracks(procedure):
        with analytics.tracked(procedure, given):
            yield
        return
    try:
        yield
    finally:
        # What an earlier command could not have delivered.
        analytics.deliver()


def _analytics() -> Analytics | None:
    """As the settings say; what is wrong with them is told by the command."""
    with suppress(Os2Error, OSError):
        return Analytics.of(load_settings(find_repository(Path.cwd())))
    return None


def show_notice_once(parameters: Parameters, invocation: Invocation) -> None:
    """Show on the terminal what is sent where, before the first command that is tracked."""
    if not _notice_is_seen(parameters, invocation):
        return
    with suppress(OSError):
        if state_files.write_if_absent(parameters.folder / "noticed", ""):
            sys.stderr.write(
                f"Usage (commands and how they end, no names) is sent to {parameters.host}; "
                "see it: os2 analytics show; turn it off: os2 analytics off\n"
            )


def _notice_is_seen(parameters: Parameters, invocation: Invocation) -> bool:
    """Return whether a person reads stderr."""
    mode = invocation.progress
    with suppress(Os2Error):
        mode = mode or parse_progress(parameters.progress, "OS2_PROGRESS")
    for_programs = mode in (ProgressMode.JSON, ProgressMode.NONE)
    return not (invocation.quiet or invocation.json or for_programs) and sys.stderr.isatty()
