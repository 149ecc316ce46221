"""A clock that only the test advances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from os2cli.core.clock import Clock


@dataclass
class Time:
    """Advance by each sleep; ``events`` happen in the sleep of that number."""

    seconds: float = 100.0
    slept: list[float] = field(default_factory=list)
    events: dict[int, Callable[[], None]] = field(default_factory=dict)

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.slept.append(round(seconds, 6))
        self.seconds += seconds
        self.events.get(len(self.slept), lambda: None)()

    @property
    def clock(self) -> Clock:
        """The functions for the product."""
        return Clock(now=lambda: self.seconds, sleep=self.sleep)
