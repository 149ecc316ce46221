"""The last messages exactly as they were sent, for their user to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from os2cli.analytics import state_files

KEPT = 100
_MAX_BYTES = 1024 * 1024


def last_delivered(folder: Path) -> list[dict[str, Any]]:
    """The last ones, the oldest first."""
    try:
        found = json.loads(state_files.read(folder / "delivered.json", _MAX_BYTES) or "[]")
    except (ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def add_delivered(folder: Path, messages: Sequence[dict[str, Any]]) -> None:
    """Keep these too; only the one process that delivers calls it. Raises ``OSError``."""
    kept = [*last_delivered(folder), *messages][-KEPT:]
    state_files.write(folder / "delivered.json", json.dumps(kept, indent=1))
