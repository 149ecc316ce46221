"""Waiting for what becomes true in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Ask again until the answer is true, and give it."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.005)
    return answer
