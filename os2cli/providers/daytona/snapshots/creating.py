"""How long the steps of publishing go on through an outage of the API."""

from __future__ import annotations

from os2cli.core.errors import TimedOut
from os2cli.core.waiting import Wait, allowed_seconds
from os2cli.providers.daytona.api.client import DaytonaClient

OUTAGE_SECONDS = 90.0


def creating(client: DaytonaClient, what: str, doing: str) -> Wait:
    """Return the wait for requests that make ``what``, as long as the caller allows."""
    seconds = allowed_seconds(OUTAGE_SECONDS)

    def late(silence: str) -> TimedOut:
        return TimedOut(
            f"{doing} timed out after {seconds:g} s: {silence}",
            hint="publish again when the API answers; what was uploaded is not uploaded again",
        )

    return Wait(what, seconds, late, go_on="os2 snapshot daytona", clock=client.clock)
