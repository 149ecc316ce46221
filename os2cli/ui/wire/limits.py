"""The limits of the server's connections."""

from __future__ import annotations

import resource
from dataclasses import dataclass

# Browsers send the cookies of all programs on this host, Chromium up to 180 of 4096 bytes.
MAX_HEAD_BYTES = 1024 * 1024
# What is left of a head without them.
MAX_OWN_HEAD_BYTES = 64 * 1024
_CONNECTIONS = 256


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Limits on connections, on what they send, and on what they don't read.

    A browser opens six connections for requests, and one for each terminal.
    """

    connections: int
    # How many are accepted at once; each takes a descriptor before it counts.
    backlog: int
    # The unfinished heads of all connections.
    head_bytes: int = 16 * MAX_HEAD_BYTES
    # Until a request's head has arrived, since the connection or the response before.
    head_seconds: float = 10.0
    # Until a client has read `progress_bytes`, or all there is.
    read_seconds: float = 30.0
    progress_bytes: int = 64 * 1024


def wire_limits() -> WireLimits:
    """Return limits that leave most of this process's descriptors to its own work."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = _CONNECTIONS
    if descriptors != resource.RLIM_INFINITY:
        connections = max(16, min(_CONNECTIONS, descriptors // 4))
    return WireLimits(connections, connections // 8)
