"""Pauses that Daytona's rate limits ask for: reported when they are long, each once."""

from __future__ import annotations

import threading

from os2cli.core.clock import Clock
from os2cli.core.waiting import SAY_AFTER_SECONDS, say


class Pauses:
    """The pauses of one client, whose requests often meet one limit together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reported_until = 0.0

    def report(self, doing: str, seconds: float, waited: float | None = None) -> None:
        """Report a pause of ``seconds`` for what is being done, before it starts.

        ``waited`` are all the seconds so far with this pause: several short ones are also long.
        """
        if (seconds if waited is None else waited) < SAY_AFTER_SECONDS:
            return
        now = self._clock.now()
        with self._lock:
            if now < self._reported_until:
                return
            self._reported_until = now + seconds
        say(f"{doing}: waiting {seconds:g} s, because Daytona's rate limit is reached")
