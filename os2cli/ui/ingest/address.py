"""The address of the proxy: a path of this server, or a URL elsewhere."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import urlsplit

from os2cli.core.errors import UsageError

VARIABLE = "VITE_POSTHOG_PROXY_URI"
_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """The address; ``base`` is the prefix of the script's requests.

    ``origin`` must be allowed by the page's policy; None if the proxy is on this server.
    """

    base: str
    origin: str | None = None


def proxy_address(text: str, taken: Container[str]) -> ProxyAddress:
    """Parse the setting; ``taken`` are the first segments of the page's own paths.

    Raises:
        UsageError: The setting is neither a free path nor a URL.
    """
    uri = text.rstrip("/")
    if _PATH.fullmatch(uri):
        segment = uri.split("/")[1]
        if segment not in taken:
            return ProxyAddress(uri)
        raise _invalid(f"{VARIABLE}: path {text!r} is reserved for the web UI")
    if _ADDRESS.fullmatch(uri):
        try:
            parts = urlsplit(uri)
            if parts.hostname and parts.port != 0:
                return ProxyAddress(uri, f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            pass
    raise _invalid(f"{VARIABLE}: invalid path or URL {text!r}")


def _invalid(message: str) -> UsageError:
    return UsageError(
        message,
        hint="use a path like /ingest, or the URL of a proxy like https://ph.example.com",
        code="setting_invalid",
    )
