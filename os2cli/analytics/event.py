"""One event, as it waits to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, when, and who it is of, with the groups as they were then.

    The ``uuid`` tells one that is sent twice from two.
    """

    name: str
    distinct_id: str
    properties: Mapping[str, Any]
    groups: Mapping[str, str] = field(default_factory=dict)
    uuid: str = field(default_factory=lambda: str(uuid4()))
    timestamp: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Event:
        """Read it again; raises ``ValueError`` when it is none."""
        try:
            event = cls(**json.loads(text))
            datetime.fromisoformat(event.timestamp)
            UUID(event.uuid)
        except (TypeError, AttributeError, RecursionError) as error:
            raise ValueError("no event") from error
        found: dict[str, Any] = asdict(event)
        texts = all(
            isinstance(found[name], str) and found[name] for name in ("name", "distinct_id")
        )
        tables = all(isinstance(found[name], dict) for name in ("properties", "groups"))
        if not (texts and tables):
            raise ValueError("no event")
        return event
