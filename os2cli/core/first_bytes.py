"""A stream for what a program writes and os2 does not pass on."""

from __future__ import annotations

import io
from typing import Any

MAX_BYTES = 64 * 1024


class FirstBytes(io.BytesIO):
    """Keeps the first bytes written to it, and drops the others: a program may write any number."""

    def write(self, data: Any) -> int:
        """Take all of the data."""
        super().write(data[: max(MAX_BYTES - self.tell(), 0)])
        return len(data)
