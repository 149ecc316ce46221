"""The limits of the proxy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on sizes, times and concurrency.

    A browser opens six connections per host: hanging requests must end before the page runs out.
    """

    # PostHog itself accepts 64 MB of a recording per request.
    request_bytes: int = 64 << 20
    response_bytes: int = 64 << 20
    # For the whole body to arrive from the browser.
    body_seconds: float = 30.0
    connect_seconds: float = 5.0
    # Until the response starts, and between its parts.
    answer_seconds: float = 10.0
    total_seconds: float = 60.0
    concurrent: int = 16
