"""Snapshot names: ``<stage>--YYYYMMDD-HHMMSS`` in UTC, with a formatter and a parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from os2cli.core.errors import UsageError
from os2cli.core.stage import name_prefix, validate_stage

_TIME_FORMAT = "%Y%m%d-%H%M%S"
_NAME = re.compile(r"(?P<stage>.+?)--(?P<time>\d{8}-\d{6})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class SnapshotName:
    """A stage and a time in UTC, to the second."""

    stage: str
    created: datetime

    def __post_init__(self) -> None:
        validate_stage(self.stage, "the snapshot's name")
        if self.created.tzinfo is None:
            raise ValueError("a snapshot name's time must have a time zone")
        object.__setattr__(self, "created", self.created.astimezone(UTC).replace(microsecond=0))

    def __str__(self) -> str:
        # strftime pads the year only on some platforms.
        moment = self.created
        return f"{name_prefix(self.stage)}{moment.year:04d}{moment:%m%d-%H%M%S}"

    def next_second(self) -> SnapshotName:
        """Return the name to try when this one is taken."""
        return SnapshotName(self.stage, self.created + timedelta(seconds=1))

    @classmethod
    def parse(cls, text: str) -> SnapshotName:
        """Parse a name.

        Raises:
            UsageError: ``text`` is not a stage, ``--`` and an existing time in UTC.
        """
        match = _NAME.fullmatch(text)
        try:
            if match is None:
                raise ValueError("no match")
            created = datetime.strptime(match["time"], _TIME_FORMAT).replace(tzinfo=UTC)
            return cls(match["stage"], created)
        except (ValueError, UsageError):
            raise UsageError(
                f"invalid snapshot name {text!r}",
                hint="names look like dev-jonas--20260111-193045",
                code="snapshot_name_invalid",
            ) from None
