"""What Daytona's API says about itself and about the key; the checks ask side by side."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from os2cli.core.errors import Os2Error
from os2cli.core.observed import record_user
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import RetryPolicy
from os2cli.providers.daytona.api.wire import ConfigAnswer, KeyAnswer, PageAnswer, read

# Below the deadline of a check, so that the reason is told, not the deadline.
_PATIENCE = RetryPolicy(
    attempts=1, answer_seconds=2.4, connect_seconds=2.0, longest_wait_seconds=0.0
)


class DaytonaFacts:
    """One account at one API. Every method raises ``Os2Error`` when there is no proper answer."""

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client
        self.access = client.access
        self._lock = threading.Lock()
        self._key: KeyAnswer | Os2Error | None = None

    def config(self) -> ConfigAnswer:
        """What the API tells everybody."""
        doing = "asking Daytona's API for its version"
        return read(ConfigAnswer, self.client.get("/config", doing=doing, policy=_PATIENCE), doing)

    def key(self) -> KeyAnswer:
        """Who asks; asked once, because a key that is refused again and again blocks its sender."""
        with self._lock:
            if self._key is None:
                try:
                    self._key = self._ask_for_key()
                except Os2Error as error:
                    self._key = error
        if isinstance(self._key, Os2Error):
            raise self._key
        return self._key

    def _ask_for_key(self) -> KeyAnswer:
        doing = "looking at the key"
        answer = self.client.get("/api-keys/current", doing=doing, policy=_PATIENCE)
        key = read(KeyAnswer, answer, doing)
        if key.user_id:
            record_user(self.access, key.user_id)
        return key

    def snapshot_count(self) -> int:
        """How many snapshots the organisation has, the provider's own among them."""
        doing = "counting the snapshots"
        answer = self.client.get("/snapshots", {"limit": 1}, doing=doing, policy=_PATIENCE)
        return read(PageAnswer, answer, doing).total

    def clock_skew(self) -> timedelta | None:
        """How far this computer's clock is ahead; None when the API does not say the time."""
        headers = self.client.response_headers(
            "/health", doing="asking Daytona's API for the time", policy=_PATIENCE
        )
        try:
            theirs = parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError):
            return None
        return datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
