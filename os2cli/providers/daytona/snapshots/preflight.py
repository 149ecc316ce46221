"""What is looked at before anything long begins."""

from __future__ import annotations

from datetime import UTC, datetime

from os2cli.core.errors import NotAuthorised
from os2cli.core.observed import record_user
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import KeyAnswer, read

_DOING = "looking at the key"


def check_publishing(client: DaytonaClient) -> None:
    """Raise when the key can't publish; a token of a person has no permissions to look at."""
    if client.access.api_key is None:
        return
    key = read(KeyAnswer, client.get("/api-keys/current", doing=_DOING), _DOING)
    if key.user_id:
        record_user(client.access, key.user_id)
    expires = key.expires
    if expires is not None and expires <= datetime.now(UTC):
        raise NotAuthorised(
            f"the key {key.name!r} expired on {expires:%Y-%m-%d}",
            hint="make a new one in Daytona's dashboard and set DAYTONA_API_KEY",
            code="key_expired",
        )
    if "write:snapshots" not in key.permissions:
        raise NotAuthorised(
            f"the key {key.name!r} may not publish: it lacks the permission write:snapshots",
            hint="make a key with write:snapshots in Daytona's dashboard and set DAYTONA_API_KEY",
            code="not_permitted",
            details={"permission": "write:snapshots"},
        )
