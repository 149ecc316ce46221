"""Ages, durations and sizes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

_SPANS = ((86400, "d"), (3600, "h"), (60, "min"))


def age(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago a moment was, e.g. ``2 h ago``."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for span, unit in _SPANS:
        if seconds >= span:
            return f"{int(seconds // span)} {unit} ago"
    return "just now" if seconds < 5 else f"{int(seconds)} s ago"


def time_left(moment: datetime, now: datetime | None = None) -> str:
    """Return how long it is until a moment, e.g. ``2 h left``."""
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    if seconds <= 0:
        return "expired"
    if seconds >= 60:
        seconds += 30  # round to the minute: a new machine has its whole time left
    for span, unit in _SPANS:
        if seconds >= span:
            return f"{int(seconds // span)} {unit} left"
    return f"{int(seconds)} s left"


def size(count: int) -> str:
    """Return a number of bytes with its unit, e.g. ``1.04 GB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if round(amount) < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.2f} GB"
