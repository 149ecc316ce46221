"""Events that wait to be sent, one file each, so that writing needs no lock.

A file name starts with the time, for the order, and ends with the project's digest: an event is
never sent to another project than its own.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from os2cli.analytics import state_files
from os2cli.core.user_id import is_user_id

MAX_EVENTS = 1000
MAX_SECONDS = 30 * 24 * 3600
_ABANDONED_SECONDS = 3600
_NANO = 1_000_000_000
_NAME = re.compile(
    r"(?P<time>\d{20})-(?P<uuid>[0-9a-f-]{36})-(?P<target>[0-9a-f]{16})\.json", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what happened, when and to whom, with the groups of that moment.

    PostHog recognises an event that is sent twice by its ``uuid``.
    """

    name: str
    distinct_id: str
    properties: Mapping[str, Any]
    groups: Mapping[str, str] = field(default_factory=dict)
    uuid: str = field(default_factory=lambda: str(uuid4()))
    timestamp: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def to_json(self) -> str:
        """Return the event as it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Event:
        """Read a stored event; raises ``ValueError`` if it is invalid."""
        try:
            event = cls(**json.loads(text))
            datetime.fromisoformat(event.timestamp)
            UUID(event.uuid)
        except (TypeError, AttributeError, RecursionError) as error:
            raise ValueError("not an event") from error
        values: dict[str, Any] = asdict(event)
        texts = (values["name"], values["distinct_id"])
        tables = (values["properties"], values["groups"])
        if not (
            all(isinstance(text, str) and text for text in texts)
            and all(isinstance(table, dict) for table in tables)
            and is_user_id(values["distinct_id"])
        ):
            raise ValueError("not an event")
        return event


@dataclass(frozen=True, slots=True)
class Spool:
    """The waiting events of this user, for all projects."""

    folder: Path

    def add(self, event: Event, target: str) -> None:
        """Add an event; drop the oldest above ``MAX_EVENTS``. Raises ``OSError``."""
        name = f"{time.time_ns():020d}-{event.uuid}-{target}.json"
        state_files.write(self.folder / name, event.to_json())
        self.trim()

    def waiting(self, target: str | None = None) -> list[Path]:
        """Return the files of a project's events, or of all, the oldest first."""
        return sorted(
            path
            for path in self._files()
            if (match := _NAME.fullmatch(path.name)) and target in (None, match["target"])
        )

    def trim(self) -> None:
        """Remove events that are too old or too many."""
        now = time.time_ns()
        names = sorted(path for path in self._files() if _NAME.fullmatch(path.name))
        surplus = set(names[: max(0, len(names) - MAX_EVENTS)])
        oldest = f"{max(0, now - MAX_SECONDS * _NANO):020d}"
        for path in names:
            if path in surplus or path.name < oldest:
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove files that killed commands left half-written."""
        for path in self._files():
            if path.name.startswith(".") and _age(path) > _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all events."""
        for path in self.waiting():
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        # scandir knows the type without a stat per file: there may be a thousand.
        with suppress(OSError), os.scandir(self.folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False)]
        return []


def take(path: Path) -> Event | None:
    """Return the event in a file; remove the file and return None if it is invalid."""
    text = state_files.read(path)
    try:
        if text is not None:
            return Event.from_json(text)
    except ValueError:
        pass
    path.unlink(missing_ok=True)
    return None


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
