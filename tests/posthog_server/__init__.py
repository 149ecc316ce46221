"""A server that speaks PostHog's protocols, for tests: it accepts events and serves the script."""

from __future__ import annotations

from tests.posthog_server.messages import Received, recorded
from tests.posthog_server.server import PostHogServer

__all__ = ["PostHogServer", "Received", "recorded"]
