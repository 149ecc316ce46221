"""Snapshot names: ``<stage>--YYYYMMDD-HHMMSS`` in UTC, made and read by inverse functions."""

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
    """A stage and a moment, to the second, in UTC."""

    stage: str
    created: datetime

    def __post_init__(self) -> None:
        validate_stage(self.stage, "the snapshot's name")
        if self.created.tzinfo is None:
            raise ValueError("a snapshot's time needs a time zone")
        object.__setattr__(self, "created", self.created.astimezone(UTC).replace(microsecond=0))

    def __str__(self) -> str:
        # strftime pads the year only on some platforms, so that it is written out here.
        moment = self.created
        return f"{name_prefix(self.stage)}{moment.year:04d}{moment:%m%d-%H%M%S}"

    def next_second(self) -> SnapshotName:
        """The name to try when this one is already taken."""
        return SnapshotName(self.stage, self.created + timedelta(seconds=1))

    @classmethod
    def parse(cls, text: str) -> SnapshotName:
        """Read a name back.

        Raises:
            UsageError: ``text`` is not a stage, ``--`` and an existing moment in UTC.
        """
        found = _NAME.fullmatch(text)
        try:
            if found is None:
                raise ValueError("no match")
            moment = datetime.strptime(found["time"], _TIME_FORMAT).replace(tzinfo=UTC)
            return cls(found["stage"], moment)
        except (ValueError, UsageError):
            raise UsageError(
                f"{text!r} is not a snapshot's name",
                hint="names look like dev-jonas--20260111-193045",
                code="snapshot_name_invalid",
            ) from None
