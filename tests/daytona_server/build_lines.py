"""A build's log in the form of BuildKit's plain progress: ``#N …``."""

from __future__ import annotations

import time
from collections.abc import Callable

from os2cli.core.progress import Progress


class BuildLines(Progress):
    """Numbers the steps and puts the number before what they write."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._step = 0
        self._began = time.monotonic()

    def log(self, line: str) -> None:
        """Write a line; a step's name begins the next number, others belong to the last."""
        if line.startswith("[") or self._step == 0:
            self._step += 1
            self._began = time.monotonic()
            name, cached, _ = line.partition(" (cached)")
            self._write(f"#{self._step} {name}")
            if cached:
                self._write(f"#{self._step} CACHED")
        else:
            self._write(f"#{self._step} {time.monotonic() - self._began:.3f} {line}")
