"""Whether usage is collected, and why: the first rule that applies decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from os2cli.analytics import state_files
from os2cli.analytics.parameters import Parameters, can_be_sent_to

_NO = ("0", "false", "no", "off")
_YES = ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Consent:
    """The decision; ``reason`` is for people, ``rule`` names what decided."""

    on: bool
    rule: str
    reason: str


def consent(parameters: Parameters, *, key: str | None) -> Consent:
    """Decide whether events may be collected for the project of ``key``."""
    decision = _decision(parameters)
    if decision is not None and not decision.on:
        return decision
    if not key:
        return Consent(False, "no_key", "POSTHOG_KEY is not set")
    if not can_be_sent_to(parameters.host):
        return Consent(False, "host", "POSTHOG_HOST is not a web address")
    return decision or Consent(True, "key", "POSTHOG_KEY is set")


def _decision(parameters: Parameters) -> Consent | None:
    """Return what the user decided; None: nothing."""
    if (do_not_track := parameters.do_not_track) and do_not_track.strip().lower() not in _NO:
        return Consent(False, "DO_NOT_TRACK", "DO_NOT_TRACK is set")
    if telemetry := parameters.telemetry:
        # An unknown value counts as a no, also one of spaces.
        on = telemetry.strip().lower() in _YES
        return Consent(on, "OS2_TELEMETRY", f"OS2_TELEMETRY is {'1' if on else '0'}")
    if (on_by_choice := choice(parameters.folder)) is not None:
        command = f"os2 analytics {'on' if on_by_choice else 'off'}"
        return Consent(on_by_choice, "choice", f"set by {command}")
    if parameters.ci:
        return Consent(False, "CI", "CI is set; OS2_TELEMETRY=1 turns analytics on")
    return None


def choice(folder: Path) -> bool | None:
    """Return what ``os2 analytics on`` or ``off`` stored; None: nothing."""
    path = folder / "choice"
    text = state_files.read(path)
    if text is None:
        # An unreadable choice may have been a no.
        return None if state_files.is_missing(path) else False
    return text.strip() == "on"


def choose(folder: Path, *, on: bool) -> None:
    """Store a choice. Raises ``OSError``."""
    state_files.write(folder / "choice", "on\n" if on else "off\n")
