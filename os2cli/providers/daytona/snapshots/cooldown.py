"""Activations that Daytona refuses because a snapshot changed a moment ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from os2cli.core.errors import Conflict, Os2Error

# Daytona's own; its message does not always have it.
COOLDOWN = timedelta(minutes=10)
_COOLDOWN = re.compile(r"(?i)recently|cool.?down|too soon|try again (later|in)|wait (for )?\d+")
_SPAN = re.compile(r"(?i)\b(\d{1,6})\s*(s|sec|second|m|min|minute|h|hour)s?\b")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def is_cooldown(error: Os2Error) -> bool:
    """Return whether the API will accept the same activation later."""
    return _COOLDOWN.search(error.message) is not None


def cooling_down(name: str, error: Os2Error, changed: datetime | None) -> Conflict:
    """Return the error that says when to try again.

    ``changed`` is when the snapshot was deactivated, None if that is not known.
    """
    now = datetime.now(UTC)
    named = _SPAN.search(error.message)
    if named is not None:
        again = now + timedelta(**{_UNITS[named[2][0].lower()]: int(named[1])})
    else:
        again = (changed or now) + COOLDOWN
    if again <= now:
        # The API counts from another moment.
        again = now + COOLDOWN
    minutes = max(1, -(-int((again - now).total_seconds()) // 60))
    count = "1 minute" if minutes == 1 else f"{minutes} minutes"
    return Conflict(
        error.message,
        hint=f"try again in {count}, at {again.astimezone():%H:%M}: os2 snapshot activate {name}",
        code="snapshot_cooling_down",
        details={"retry_after_seconds": round((again - now).total_seconds())},
    )
