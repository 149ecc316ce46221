"""How the deliveries went: the last attempts, and the last messages exactly as they were sent."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from os2cli.analytics import state_files

MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 60.0, 3600.0
MAX_DELIVERED = 100
_MAX_DELIVERED_BYTES = 1024 * 1024


class Refused(Exception):
    """PostHog rejects these messages for good."""


class NotTaken(Exception):
    """PostHog may accept these messages later; the text is a short reason."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The last attempts for one project, ``target``; times are seconds since the epoch."""

    target: str
    delivered: float | None = None
    failed: float | None = None
    why: str | None = None
    failures: int = 0

    @property
    def next(self) -> float | None:
        """The time of the next attempt; None: at once."""
        if not self.failures or self.failed is None:
            return None
        wait = min(MIN_WAIT_SECONDS * 2.0 ** min(self.failures - 1, 10), MAX_WAIT_SECONDS)
        return self.failed + wait

    @property
    def is_due(self) -> bool:
        """Whether the next attempt may start; a clock that was set back blocks none for long."""
        now = time.time()
        return self.next is None or not now < self.next <= now + MAX_WAIT_SECONDS

    def succeeded(self) -> Attempts:
        """Return the record after a delivery."""
        return replace(self, delivered=time.time(), failures=0)

    def failing(self, why: str) -> Attempts:
        """Return the record after a failed attempt."""
        return replace(self, failed=time.time(), why=why, failures=self.failures + 1)


def load_attempts(folder: Path, target: str) -> Attempts:
    """Return the attempts for a project; an empty record if none are known."""
    try:
        attempts = Attempts(**json.loads(state_files.read(folder / "attempts.json") or "null"))
        valid = attempts.target == target and isinstance(attempts.failures, int)
        times = (attempts.delivered, attempts.failed)
        valid = valid and all(isinstance(time_, float | int | None) for time_ in times)
        return attempts if valid else Attempts(target)
    except (ValueError, TypeError, RecursionError):
        return Attempts(target)


def save_attempts(folder: Path, attempts: Attempts) -> None:
    """Save the record for later commands. Raises ``OSError``."""
    state_files.write(folder / "attempts.json", json.dumps(asdict(attempts)))


def last_delivered(folder: Path) -> list[dict[str, Any]]:
    """Return the last messages, the oldest first."""
    try:
        text = state_files.read(folder / "delivered.json", _MAX_DELIVERED_BYTES)
        messages = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    if not isinstance(messages, list):
        return []
    return [message for message in messages if isinstance(message, dict)]


def add_delivered(folder: Path, messages: Sequence[dict[str, Any]]) -> None:
    """Add to the last messages; only the delivering process may. Raises ``OSError``."""
    latest = [*last_delivered(folder), *messages][-MAX_DELIVERED:]
    state_files.write(folder / "delivered.json", json.dumps(latest, indent=1))
