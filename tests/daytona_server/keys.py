"""API keys: who may do what, and who is kept out."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.daytona_server.errors import ApiError, timestamp
from tests.daytona_server.rate_limits import Window, limit_headers, too_many

PERMISSIONS = ("write:snapshots", "delete:snapshots", "write:sandboxes", "delete:sandboxes")
# After this number of wrong keys, an address is blocked for a while.
FAILED_LOGIN_LIMIT = 20
KEPT_OUT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as ``/api-keys/current`` describes it."""

    value: str
    name: str
    permissions: tuple[str, ...]
    created: datetime
    expires: datetime | None

    def document(self, user_id: str, now: datetime) -> dict[str, Any]:
        """Return the answer of ``/api-keys/current``."""
        return {
            "name": self.name,
            "value": self.value[:5] + "*" * 20 + self.value[-3:],
            "createdAt": timestamp(self.created),
            "permissions": list(self.permissions),
            "lastUsedAt": timestamp(now),
            "expiresAt": timestamp(self.expires) if self.expires else None,
            "userId": user_id,
        }


@dataclass(slots=True)
class Keys:
    """The keys of the one organisation there is."""

    known: dict[str, ApiKey] = field(default_factory=dict)
    refused: int = 0
    limit: int = FAILED_LOGIN_LIMIT
    kept_out: float = KEPT_OUT_SECONDS
    """For how long an address is blocked, and after which wrong keys are forgotten, in seconds."""
    _failed: Window | None = None

    def add(
        self, permissions: Iterable[str], expires: datetime | None, created: datetime, name: str
    ) -> ApiKey:
        """Make a key with these permissions."""
        value = f"dtn_{secrets.token_hex(32)}"
        self.known[value] = ApiKey(value, name, tuple(permissions), created, expires)
        return self.known[value]

    def authenticate(self, authorization: str, now: datetime) -> ApiKey:
        """Return the key behind an ``Authorization`` header.

        Raises:
            ApiError: 401, or 429 for all clients after too many of those.
        """
        self._keep_out()
        scheme, _, value = authorization.partition(" ")
        key = self.known.get(value) if scheme.lower() == "bearer" else None
        if key is None or (key.expires is not None and key.expires <= now):
            self.refused += 1
            self._count()
            raise ApiError(401, "Invalid credentials")
        return key

    def _count(self) -> None:
        # The one that reaches the limit blocks those after it.
        if self._failed is None:
            self._failed = Window(self.limit - 1, self.kept_out)
        self._failed.hit(time.monotonic())

    def _keep_out(self) -> None:
        window = self._failed
        rest = 0 if window is None else math.ceil(window.ends - time.monotonic())
        if window is not None and window.blocked and rest > 0:
            raise too_many(limit_headers("failed-auth", self.limit, 0, rest), {"Retry-After": rest})
