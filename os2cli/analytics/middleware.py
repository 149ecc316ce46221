"""What runs around every command if a key is set: notice, tracking and delivery."""

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

# The notice points to these commands, and they may change whether usage is sent.
OWN_COMMANDS = "analytics."


@contextmanager
def tracked_command(
    procedure: str, options: Mapping[str, Any], invocation: Invocation
) -> Iterator[None]:
    """Track the command that runs in the block; its exceptions pass unchanged."""
    analytics = None if procedure.startswith(OWN_COMMANDS) else _analytics()
    if analytics is None:
        yield
        return
    show_notice_once(analytics.parameters, invocation)
    if analytics.tracks(procedure):
        with analytics.tracked(procedure, options):
            yield
        return
    try:
        yield
    finally:
        # Events that an earlier command could not deliver.
        analytics.deliver()


def _analytics() -> Analytics | None:
    """Return the analytics, None if they are off; the command itself reports invalid settings."""
    with suppress(Exception):
        analytics = Analytics.of(load_settings(find_repository(Path.cwd())))
        return analytics if analytics.consent.on else None
    return None


def show_notice_once(parameters: Parameters, invocation: Invocation) -> None:
    """Show on the terminal what is sent where, before the first command that is tracked."""
    with suppress(Exception):
        if not _notice_is_seen(parameters, invocation):
            return
        if state_files.write_if_absent(parameters.folder / "noticed", ""):
            sys.stderr.write(
                f"Usage data (commands and their results, no names) is sent to {parameters.host}; "
                "to see it: os2 analytics show; to turn it off: os2 analytics off\n"
            )


def _notice_is_seen(parameters: Parameters, invocation: Invocation) -> bool:
    """Return whether a person reads stderr."""
    mode = invocation.progress
    with suppress(Os2Error):
        mode = mode or parse_progress(parameters.progress, "OS2_PROGRESS")
    for_programs = mode in (ProgressMode.JSON, ProgressMode.NONE)
    return not (invocation.quiet or invocation.json or for_programs) and sys.stderr.isatty()
