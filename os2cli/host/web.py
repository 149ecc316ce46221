"""What all HTTP clients of os2 share: valid URLs and trusted certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    import ssl

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# As httpx names them.
LOOPBACK_PATTERNS = ("all://localhost", "all://127.0.0.1", "all://[::1]")


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


def is_private(parts: SplitResult) -> bool:
    """Return whether requests to the URL cannot be read on the way."""
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def certificates() -> ssl.SSLContext:
    """Return a TLS context that trusts the system's store, with companies' own authorities.

    A Python without a store, as some on a Mac, gets certifi's, which takes 40 ms to read.
    """
    # 10 ms that a command without requests does not pay.
    import ssl

    context = ssl.create_default_context()
    folder = ssl.get_default_verify_paths().capath
    if not context.cert_store_stats()["x509_ca"] and not (folder and any(Path(folder).iterdir())):
        # Needed only by a Python without certificates of its own.
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context
