"""PostHog's paths, the host of each, and what each returns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from os2cli.ui.ingest.documents import Document, config_of, flags_of, receipt_of

# Exact paths, with or without a trailing slash.
_RECEIPTS = ("/e", "/i/v0/e", "/batch", "/capture", "/s", "/engage")
API_PATHS = {**dict.fromkeys(_RECEIPTS, receipt_of), "/decide": flags_of, "/flags": flags_of}
# The project's configuration; `config.js` beside it is a script and stays there.
_CONFIG = re.compile(r"/array/[A-Za-z0-9_-]+/config")
# PostHog's paths need no other characters, so that nothing must be decoded or normalised: the
# forwarded path is byte for byte the checked one.
_SEGMENTS = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/?")
_QUERY = re.compile(r"[!-~]*")
API_METHODS = ("GET", "POST")
CONFIG_METHODS = ("GET", "HEAD")


class Refused(Exception):
    """A request that is not forwarded, with the status and message of the response."""

    def __init__(self, status: int, message: str, *, allow: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and what the page gets of the response's document."""

    url: str
    data_of: Document
    with_body: bool


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The hosts for events and for configuration, e.g. ``https://eu.i.posthog.com``."""

    api: str
    assets: str

    def target(self, method: str, path: str, query: str) -> Target:
        """Return where to forward a request to; ``path`` and ``query`` are not decoded.

        Raises:
            Refused: The path is unknown, or does not support the method.
        """
        if not _SEGMENTS.fullmatch(path) or len(path) > 1024:
            raise Refused(404, "unknown path")
        data_of = API_PATHS.get(path.removesuffix("/"))
        if data_of is not None:
            host, methods = self.api, API_METHODS
        elif _CONFIG.fullmatch(path):
            host, methods, data_of = self.assets, CONFIG_METHODS, config_of
        else:
            raise Refused(404, "unknown path")
        if method not in methods:
            raise Refused(405, f"this path supports {' and '.join(methods)} only", allow=methods)
        if not _QUERY.fullmatch(query) or "#" in query:
            raise Refused(400, "the query has invalid characters")
        url = f"{host}{path}?{query}" if query else f"{host}{path}"
        return Target(url, data_of, methods is API_METHODS)
