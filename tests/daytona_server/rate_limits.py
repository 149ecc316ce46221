"""Requests that are refused because there were too many."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field

from tests.daytona_server.errors import ApiError

LIFECYCLE = ("start", "stop", "archive", "recover", "pause", "resize")


@dataclass(slots=True)
class Window:
    """A number of requests in a number of seconds; one more blocks for as long again."""

    limit: int
    seconds: float
    hits: int = 0
    ends: float = 0.0
    blocked: bool = False

    def hit(self, now: float) -> None:
        """Count a request."""
        if now >= self.ends:
            self.hits, self.ends, self.blocked = 0, now + self.seconds, False
        self.hits += 1
        if self.hits > self.limit and not self.blocked:
            self.ends, self.blocked = now + self.seconds, True


@dataclass(slots=True)
class RateLimits:
    """The limiters by name: real ones, and the waits that a test wants for the next requests."""

    waiting: dict[str, list[int]] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, retry_after: int, times: int) -> None:
        """Refuse the next ``times`` requests that this limiter is about."""
        with self._lock:
            self.waiting.setdefault(name, []).extend([retry_after] * times)

    def check(self, method: str, path: str, *, authenticated: bool) -> dict[str, str]:
        """Count a request, and return the headers that its answer gets.

        Raises:
            ApiError: 429, whose headers have the limiter's name as a suffix.
        """
        headers: dict[str, str] = {}
        for name in limiters(method, path, authenticated=authenticated):
            with self._lock:
                self._refuse_if_asked_to(name)
                headers |= self._count(name)
        return headers

    def _refuse_if_asked_to(self, name: str) -> None:
        waits = self.waiting.get(name)
        if waits:
            seconds = waits.pop(0)
            raise too_many(limit_headers(name, 100, 0, seconds), {f"Retry-After-{name}": seconds})

    def _count(self, name: str) -> dict[str, str]:
        window = self.windows.get(name)
        if window is None:
            return {}
        now = time.monotonic()
        window.hit(now)
        rest = math.ceil(window.ends - now)
        headers = limit_headers(name, window.limit, max(0, window.limit - window.hits), rest)
        if window.blocked:
            raise too_many(headers, {f"Retry-After-{name}": rest})
        return headers


def limit_headers(name: str, limit: int, remaining: int, reset: int) -> dict[str, str]:
    """Return what every answer of a limiter carries."""
    values = {"Limit": limit, "Remaining": remaining, "Reset": reset}
    return {f"X-RateLimit-{what}-{name}": str(value) for what, value in values.items()}


def too_many(headers: dict[str, str], wait: dict[str, int]) -> ApiError:
    """429: ``wait`` is the header that says for how long, in seconds."""
    waits = {header: str(seconds) for header, seconds in wait.items()}
    return ApiError(429, "ThrottlerException: Too Many Requests", headers | waits)


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
