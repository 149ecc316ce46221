"""The way to a URL for clients other than httpx: always an HTTP proxy, or none."""

from __future__ import annotations

from urllib.parse import urlsplit

from os2cli.host.network.proxies import SOCKS_SCHEMES, Proxies, Proxy
from os2cli.host.network.relay import relay_through, relay_to_loopback
from os2cli.host.web import needs_no_resolver


def http_proxy_url(proxy: Proxy) -> str:
    """Return the URL of an HTTP proxy for it, with a login: a relay's if it speaks SOCKS."""
    return relay_through(proxy).url if proxy.scheme in SOCKS_SCHEMES else proxy.url


def proxy_url(url: str) -> str | None:
    """Return the HTTP proxy that a request or a WebSocket to ``url`` takes, or None for none.

    Names below ``localhost`` take a relay: not every resolver knows them.
    """
    if needs_no_resolver(urlsplit(url).hostname or ""):
        return relay_to_loopback().url
    proxy = Proxies.of_process().for_url(url)
    return None if proxy is None else http_proxy_url(proxy)
