"""Requests that are refused because there were too many."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tests.daytona_server.errors import ApiError

LIFECYCLE = ("start", "stop", "archive", "recover", "pause", "resize")


@dataclass(slots=True)
class RateLimits:
    """The limiters by name, each with the waits for its next requests."""

    waiting: dict[str, list[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, retry_after: int, times: int) -> None:
        """Refuse the next ``times`` requests that this limiter is about."""
        with self._lock:
            self.waiting.setdefault(name, []).extend([retry_after] * times)

    def check(self, method: str, path: str, *, authenticated: bool) -> None:
        """Refuse a request if one of its limiters does.

        Raises:
            ApiError: 429, whose headers have the limiter's name as a suffix.
        """
        for name in limiters(method, path, authenticated=authenticated):
            with self._lock:
                waits = self.waiting.get(name)
                seconds = waits.pop(0) if waits else None
            if seconds is not None:
                raise ApiError(
                    429,
                    "ThrottlerException: Too Many Requests",
                    {
                        f"Retry-After-{name}": str(seconds),
                        f"X-RateLimit-Limit-{name}": "100",
                        f"X-RateLimit-Remaining-{name}": "0",
                        f"X-RateLimit-Reset-{name}": str(seconds),
                    },
                )


def limiters(method: str, path: str, *, authenticated: bool) -> list[str]:
    """Return the limiters that a request passes, by name."""
    if not authenticated:
        return ["anonymous"]
    names = ["authenticated"]
    action = path.rsplit("/", 1)[-1]
    if (method, path) == ("POST", "/sandbox"):
        names.append("sandbox-create")
    elif path.startswith("/sandbox/") and (
        method == "DELETE" or (method == "POST" and action in LIFECYCLE)
    ):
        names.append("sandbox-lifecycle")
    elif (method, path) == ("GET", "/sandbox"):
        names.append("sandbox-list")
    return names
