"""What is checked before a long operation starts."""

from __future__ import annotations

from datetime import UTC, datetime

from os2cli.core.errors import NotAuthorised
from os2cli.core.models import DEFAULT_RESOURCES, SnapshotResources
from os2cli.core.observed import record_user
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import KeyAnswer, read
from os2cli.providers.daytona.snapshots.limits import check_limits

_DOING = "checking the API key"


def check_publishing(
    client: DaytonaClient, resources: SnapshotResources = DEFAULT_RESOURCES
) -> None:
    """Raise if the API key can't publish, or if the resources exceed the organisation's limits.

    The API tells the limits to a user's token only, and the permissions to an API key only: with
    an API key, the first to know a limit is the request that creates the snapshot.
    """
    if client.access.api_key is None:
        check_limits(client, resources)
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
