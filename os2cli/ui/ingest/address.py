"""Where the browser finds the proxy: a path of this server, or somebody else's address."""

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
    """``base`` is what PostHog's script puts in front of its paths.

    ``origin`` is the one that a page has to be allowed, None where the proxy is on this server.
    """

    base: str
    origin: str | None = None


def proxy_address(text: str, taken: Container[str]) -> ProxyAddress:
    """Read the setting; ``taken`` are the first words of the paths that the page itself uses.

    Raises:
        UsageError: it is neither a path that is free nor a web address.
    """
    uri = text.rstrip("/")
    if _PATH.fullmatch(uri):
        word = uri.split("/")[1]
        if word not in taken:
            return ProxyAddress(uri)
        raise _wrong(f"{VARIABLE} is {text!r}, where os2 ui has pages of its own")
    if _ADDRESS.fullmatch(uri):
        try:
            parts = urlsplit(uri)
            if parts.hostname and parts.port != 0:
                return ProxyAddress(uri, f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            pass
    raise _wrong(f"{VARIABLE} is {text!r}, which is neither a path nor a web address")


def _wrong(message: str) -> UsageError:
    return UsageError(
        message,
        hint="use a path such as /ingest, or the address of a proxy such as https://ph.example.com",
        code="setting_invalid",
    )
