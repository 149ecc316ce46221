"""URLs: which are valid, and which stay on this computer."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

# No shell, script or page that a browser's launcher may be gives these a meaning of their own.
_PLAIN = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@&+,=%-]+", re.ASCII | re.IGNORECASE)


def web_address(url: str) -> SplitResult | None:
    """Parse the URL of an HTTP server; return None for any other text."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        # As the resolver does, which raises for an empty label.
        host.encode("idna")
    except ValueError:
        return None
    good = parts.scheme in ("http", "https") and host and " " not in host and url.isprintable()
    return parts if good else None


def is_bare(parts: SplitResult) -> bool:
    """Return whether a URL has nothing but a host and a path."""
    return not (parts.username or parts.password or parts.query or parts.fragment)


def is_openable(url: str) -> bool:
    """Return whether a browser, a link or a page may get a URL from elsewhere.

    A host must be in it and no user, who would be mistaken for one; nothing in it is an option.
    """
    parts = web_address(url)
    return parts is not None and "@" not in parts.netloc and _PLAIN.fullmatch(url) is not None


def is_private(parts: SplitResult) -> bool:
    """Return whether requests to the URL cannot be read on the way."""
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer: by its address, or a name that means it (RFC 6761).

    Names that resolve to it do not count.
    """
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def needs_no_resolver(host: str) -> bool:
    """Return whether a name is below ``localhost``, which not every resolver knows."""
    return host.lower().removesuffix(".").endswith(".localhost")
