"""Time as the waits see it, so that a test can be the one that moves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from os2cli.core.cancellation import pause


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that only go forward, and a pause."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = pause


REAL_TIME = Clock()
# For what has no date.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
