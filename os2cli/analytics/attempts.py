"""When the last deliveries were, and when the next may be."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from os2cli.analytics import state_files

SHORTEST_SECONDS, MAX_SECONDS = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Attempts:
    """Times are seconds since 1970; ``target`` is the project that they are about."""

    target: str
    delivered: float | None = None
    failed: float | None = None
    why: str | None = None
    failures: int = 0

    @property
    def next(self) -> float | None:
        """When the next may be, None: at once."""
        if not self.failures or self.failed is None:
            return None
        wait = min(SHORTEST_SECONDS * 2.0 ** min(self.failures - 1, 10), MAX_SECONDS)
        return self.failed + wait

    @property
    def may_begin(self) -> bool:
        """Whether it is time; a clock that was put back keeps nobody waiting for long."""
        now = time.time()
        return self.next is None or not now < self.next <= now + MAX_SECONDS

    def succeeded(self) -> Attempts:
        """After a delivery."""
        return replace(self, delivered=time.time(), failures=0)

    def failing(self, why: str) -> Attempts:
        """After one that did not succeed."""
        return replace(self, failed=time.time(), why=why, failures=self.failures + 1)


def load_attempts(folder: Path, target: str) -> Attempts:
    """What is known about a project; nothing about another one."""
    try:
        found = Attempts(**json.loads(state_files.read(folder / "attempts.json") or "null"))
        sound = found.target == target and isinstance(found.failures, int)
        times = all(isinstance(t, float | int | None) for t in (found.delivered, found.failed))
        return found if sound and times else Attempts(target)
    except (ValueError, TypeError, RecursionError):
        return Attempts(target)


def save_attempts(folder: Path, attempts: Attempts) -> None:
    """Keep it for the commands that come. Raises ``OSError``."""
    state_files.write(folder / "attempts.json", json.dumps(asdict(attempts)))
