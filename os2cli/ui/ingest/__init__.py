"""The way from the browser to PostHog: a proxy below the page's own address.

An ad blocker does not stop it, and the browser needs to be allowed no other host. It knows
PostHog's paths and no others, and passes on what PostHog needs: nothing of the page's own session.
"""

from __future__ import annotations

from os2cli.ui.ingest.limits import Limits
from os2cli.ui.ingest.proxy import IngestProxy
from os2cli.ui.ingest.upstreams import Upstreams

__all__ = ["IngestProxy", "Limits", "Upstreams"]
