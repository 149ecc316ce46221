"""The limits of the proxy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on sizes, times and concurrency.

    A browser opens six connections per host: hanging requests must end before the page runs out.
    A request hangs if nothing moves; on a slow line it takes its time.
    """

    # PostHog itself accepts 64 MB of a recording per request.
    request_bytes: int = 64 << 20
    # Receipts and the project's configuration.
    response_bytes: int = 1 << 20
    # Until the next part arrives from the browser.
    body_seconds: float = 30.0
    connect_seconds: float = 10.0
    # Until PostHog reads the next part, until it starts its response, and for all of that.
    answer_seconds: float = 30.0
    # For all of it: the largest request at 20 kB/s.
    total_seconds: float = 3600.0
    concurrent: int = 16
