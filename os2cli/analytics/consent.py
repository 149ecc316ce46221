"""Whether anything is collected, and why: the first rule that applies decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from os2cli.analytics import state_files
from os2cli.analytics.parameters import Parameters, can_be_sent_to

_NO = ("0", "false", "no", "off")
_YES = ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether it is on; ``reason`` is told, ``rule`` is the name of what decided."""

    on: bool
    rule: str
    reason: str


def consent(parameters: Parameters, *, key: str | None) -> Consent:
    """Whether events may be collected for the project of ``key``."""
    said = _said(parameters)
    if said is not None and not said.on:
        return said
    if not key:
        return Consent(False, "no_key", "no key is set: POSTHOG_KEY")
    if not can_be_sent_to(parameters.host):
        return Consent(False, "host", "POSTHOG_HOST is no web address")
    return said or Consent(True, "key", "a key is set")


def _said(parameters: Parameters) -> Consent | None:
    """What somebody has decided, None: nobody has."""
    if (parameters.do_not_track or "").lower() not in ("", *_NO):
        return Consent(False, "DO_NOT_TRACK", "DO_NOT_TRACK is set")
    if telemetry := (parameters.telemetry or "").lower():
        # What is not understood is taken for a no.
        on = telemetry in _YES
        return Consent(on, "OS2_TELEMETRY", f"OS2_TELEMETRY is {'1' if on else '0'}")
    if (chosen := choice(parameters.folder)) is not None:
        return Consent(
            chosen, "choice", f"it was turned {'on' if chosen else 'off'} with os2 analytics"
        )
    if parameters.ci:
        return Consent(False, "CI", "CI is set; OS2_TELEMETRY=1 turns it on there")
    return None


def choice(folder: Path) -> bool | None:
    """What ``os2 analytics on`` or ``off`` has kept, None: nothing."""
    path = folder / "choice"
    text = state_files.read(path)
    if text is None:
        # One that can't be read may have been a no.
        return False if path.exists() else None
    return text.strip() == "on"


def choose(folder: Path, *, on: bool) -> None:
    """Keep what was chosen; raises ``OSError`` where that is not possible."""
    state_files.write(folder / "choice", "on\n" if on else "off\n")
