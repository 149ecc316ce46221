"""Where a request goes: PostHog's paths, each on the host that has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Each with or without a slash at its end, and with nothing below it.
API_PATHS = frozenset(
    {"/e", "/i/v0/e", "/batch", "/capture", "/decide", "/flags", "/s", "/engage"},
)
# With what lies below them; the scripts and the project's settings are on the assets' host.
ASSET_FOLDERS = ("/static/", "/array/")
# PostHog's own paths need no other characters, so that nothing has to be decoded or made normal:
# what is forwarded is byte for byte what was looked at.
_SEGMENTS = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/?")
_QUERY = re.compile(r"[!-~]*")
API_METHODS = ("GET", "POST")
ASSET_METHODS = ("GET", "HEAD")


class Refused(Exception):
    """A request that is not forwarded: the status and the words it is answered with."""

    def __init__(self, status: int, words: str, *, allow: Sequence[str] = ()) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The two hosts, such as ``https://eu.i.posthog.com``: for events, and for scripts."""

    api: str
    assets: str

    def target(self, method: str, path: str, query: str) -> str:
        """The address for a request; ``path`` and ``query`` are as they came, not decoded.

        Raises:
            Refused: PostHog has no such path, or does not take this method there.
        """
        if not _SEGMENTS.fullmatch(path) or len(path) > 1024:
            raise Refused(404, "PostHog has no such path")
        if path.removesuffix("/") in API_PATHS:
            host, methods = self.api, API_METHODS
        elif path.startswith(ASSET_FOLDERS) and path not in ASSET_FOLDERS:
            host, methods = self.assets, ASSET_METHODS
        else:
            raise Refused(404, "PostHog has no such path")
        if method not in methods:
            raise Refused(405, f"this path takes {' and '.join(methods)}", allow=methods)
        if not _QUERY.fullmatch(query) or "#" in query:
            raise Refused(400, "the query has characters that no address has")
        return f"{host}{path}?{query}" if query else f"{host}{path}"
