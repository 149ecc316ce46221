"""What Daytona's API reports about itself and the API key, shared by concurrent checks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

from os2cli.core.errors import Os2Error
from os2cli.core.observed import record_user
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.pages import Pages
from os2cli.providers.daytona.api.retry import RetryPolicy
from os2cli.providers.daytona.api.wire import ConfigAnswer, KeyAnswer, PageAnswer, read

# Below the deadline of a check, so that the check reports the reason, not the deadline.
_POLICY = RetryPolicy(attempts=1, answer_seconds=2.4, connect_seconds=2.0, longest_wait_seconds=0.0)
# Every item holds its Dockerfile's text.
_PAGE_SIZE = 20
_COUNTING = "counting the snapshots"


class DaytonaFacts:
    """One account at one API; each method raises ``Os2Error`` without a valid answer."""

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client
        self.access = client.access
        self._lock = threading.Lock()
        self._key: KeyAnswer | Os2Error | None = None

    def config(self) -> ConfigAnswer:
        """Return the API's public configuration."""
        doing = "reading the version of Daytona's API"
        return read(ConfigAnswer, self.client.get("/config", doing=doing, policy=_POLICY), doing)

    def key(self) -> KeyAnswer:
        """Return the API key's details, requested once: repeated refusals block the sender."""
        with self._lock:
            if self._key is None:
                try:
                    self._key = self._request_key()
                except Os2Error as error:
                    self._key = error
        if isinstance(self._key, Os2Error):
            raise self._key
        return self._key

    def _request_key(self) -> KeyAnswer:
        doing = "reading the API key"
        answer = self.client.get("/api-keys/current", doing=doing, policy=_POLICY)
        key = read(KeyAnswer, answer, doing)
        if key.user_id:
            record_user(self.access, key.user_id)
        return key

    def snapshot_count(self) -> int:
        """Return the number of the organisation's snapshots.

        The API counts Daytona's own ones as well, and lists them last: pages are read from the end
        until one has another.
        """
        pages = Pages(_COUNTING)
        total = pages.ask(partial(self._snapshots, 1, 1)).total
        count, number = total, -(-total // _PAGE_SIZE)
        while number > 0:
            items = pages.ask(partial(self._snapshots, number, _PAGE_SIZE)).items
            own = sum(not (isinstance(item, dict) and item.get("general")) for item in items)
            count -= len(items) - own
            if own:
                break
            number -= 1
        return count

    def _snapshots(self, page: int, limit: int) -> PageAnswer:
        query = {"page": page, "limit": limit}
        answer = self.client.get("/snapshots", query, doing=_COUNTING, policy=_POLICY)
        return read(PageAnswer, answer, _COUNTING)

    def clock_skew(self) -> timedelta | None:
        """Return how far this host's clock is ahead; None if the API does not send the time."""
        headers = self.client.response_headers(
            "/health", doing="reading the time of Daytona's API", policy=_POLICY
        )
        try:
            remote = parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError):
            return None
        return datetime.now(UTC) - (remote if remote.tzinfo else remote.replace(tzinfo=UTC))
