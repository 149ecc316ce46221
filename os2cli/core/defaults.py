"""Numbers and addresses that several rooms use."""

from __future__ import annotations

# Where the daemon of a sandbox answers, and what it is asked for its health.
DAEMON_PORT = 3000
HEALTH_PATH = "/api/health"
BUILD_SECONDS = 30 * 60.0
ACTIVATION_SECONDS = 300.0
SIGNED_LINK_SECONDS = 3600
