"""Whose the keys for Daytona are, as far as its answers have said so in this process.

Nothing is asked for it: a command that looks at its key for a reason of its own leaves it here.
"""

from __future__ import annotations

from os2cli.core.daytona_access import DaytonaAccess

_USERS: dict[str, str] = {}


def remember(access: DaytonaAccess, user_id: str) -> None:
    """Keep the internal id of the user whose key this is."""
    _USERS[access.fingerprint] = user_id


def user_of(access: DaytonaAccess) -> str | None:
    """The internal id of that user, None: no answer has named it."""
    return _USERS.get(access.fingerprint)
