"""Types of fields in the API's answers, each with what makes a value valid."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

from os2cli.core.clock import EPOCH
from os2cli.host.web import is_openable

_LAST = datetime(9000, 1, 1, tzinfo=UTC)
_MAX_AMOUNT = 1e9
# What the runner puts before a reason: the name of an HTTP status, which says nothing here.
_RUNNER_STATUS = re.compile(
    r"^(?:bad request|conflict|forbidden|internal server error|not found|unauthorized"
    r"|unprocessable entity): ",
    re.IGNORECASE,
)


def _in_utc(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("out of range") from None
    # Moments that every zone of this host can show.
    return min(max(moment, EPOCH), _LAST)


def _possible(value: float) -> float:
    if not 0 <= value <= _MAX_AMOUNT:
        raise ValueError("out of range")
    return value


# In UTC, also if the API omits the zone.
Moment = Annotated[datetime, AfterValidator(_in_utc)]
# CPUs, and sizes in GiB.
Amount = Annotated[float, AfterValidator(_possible)]


def _openable(value: str) -> str:
    if not is_openable(value):
        raise ValueError("not a web address")
    return value


# An address that a person may open.
WebUrl = Annotated[str, AfterValidator(_openable)]


# Why something failed, in the words of what failed.
Reason = Annotated[str, AfterValidator(lambda reason: _RUNNER_STATUS.sub("", reason))]
