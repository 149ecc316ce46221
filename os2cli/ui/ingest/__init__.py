"""A proxy from the browser to PostHog, below the page's own origin.

Ad blockers don't stop it, and the page's policy needs no other host. It forwards only PostHog's
paths and the headers PostHog needs, nothing of the page's session.
"""

from __future__ import annotations

from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.proxy import IngestProxy
from os2cli.ui.ingest.upstreams import Upstreams

__all__ = ["IngestProxy", "Limits", "Upstreams"]
