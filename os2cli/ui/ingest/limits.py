"""How much the proxy takes, for how long, and how much of it at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds and numbers; every one of them is kept, whatever the two sides do.

    A browser has six connections to a host: what hangs must end before the page lacks one.
    """

    # PostHog itself takes 64 MB of a recording at once.
    request_bytes: int = 64 << 20
    response_bytes: int = 64 << 20
    # For the whole body to arrive from the browser.
    body_seconds: float = 30.0
    connect_seconds: float = 5.0
    # For the answer to begin once the request is there, and then for each next part of it.
    answer_seconds: float = 10.0
    total_seconds: float = 60.0
    concurrent: int = 16
