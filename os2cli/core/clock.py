"""The clock that waits use; tests pass one that they move themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from os2cli.core.cancellation import pause


@dataclass(frozen=True, slots=True)
class Clock:
    """A monotonic clock in seconds, and a way to pause."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = pause


REAL_TIME = Clock()
# Stands in for a missing date.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
