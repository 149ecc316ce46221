"""PostHog's paths, and the host of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Exact paths, with or without a trailing slash.
API_PATHS = frozenset(
    {"/e", "/i/v0/e", "/batch", "/capture", "/decide", "/flags", "/s", "/engage"},
)
# Prefixes; scripts and the project's settings are on the assets host.
ASSET_FOLDERS = ("/static/", "/array/")
# PostHog's paths need no other characters, so that nothing must be decoded or normalised: the
# forwarded path is byte for byte the checked one.
_SEGMENTS = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/?")
_QUERY = re.compile(r"[!-~]*")
API_METHODS = ("GET", "POST")
ASSET_METHODS = ("GET", "HEAD")


class Refused(Exception):
    """A request that is not forwarded, with the status and message of the response."""

    def __init__(self, status: int, message: str, *, allow: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The hosts for events and for scripts, e.g. ``https://eu.i.posthog.com``."""

    api: str
    assets: str

    def target(self, method: str, path: str, query: str) -> str:
        """Return the URL to forward a request to; ``path`` and ``query`` are not decoded.

        Raises:
            Refused: The path is unknown, or does not support the method.
        """
        if not _SEGMENTS.fullmatch(path) or len(path) > 1024:
            raise Refused(404, "unknown path")
        if path.removesuffix("/") in API_PATHS:
            host, methods = self.api, API_METHODS
        elif path.startswith(ASSET_FOLDERS) and path not in ASSET_FOLDERS:
            host, methods = self.assets, ASSET_METHODS
        else:
            raise Refused(404, "unknown path")
        if method not in methods:
            raise Refused(405, f"this path supports {' and '.join(methods)} only", allow=methods)
        if not _QUERY.fullmatch(query) or "#" in query:
            raise Refused(400, "the query has invalid characters")
        return f"{host}{path}?{query}" if query else f"{host}{path}"
