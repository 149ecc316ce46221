"""What is checked before a long operation starts."""

from __future__ import annotations

from datetime import UTC, datetime

from os2cli.core.errors import NotAuthorised
from os2cli.core.observed import record_user
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import KeyAnswer, read

_DOING = "checking the API key"


def check_publishing(client: DaytonaClient) -> None:
    """Raise if the API key can't publish; a user's token has no permissions to check."""
    if client.access.api_key is None:
        return
    key = read(KeyAnswer, client.get("/api-keys/current", doing=_DOING), _DOING)
    if key.user_id:
        record_user(client.access, key.user_id)
    expires = key.expires
    if expires is not None and expires <= datetime.now(UTC):
        raise NotAuthorised(
            f"API key {key.name!r} expired on {expires:%Y-%m-%d}",
            hint="create one in Daytona's dashboard and set DAYTONA_API_KEY",
            code="key_expired",
        )
    if "write:snapshots" not in key.permissions:
        raise NotAuthorised(
            f"API key {key.name!r} cannot publish: it lacks the permission write:snapshots",
            hint="create one with write:snapshots in Daytona's dashboard and set DAYTONA_API_KEY",
            code="not_permitted",
            details={"permission": "write:snapshots"},
        )
