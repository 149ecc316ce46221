"""Connections to programs on this computer, such as the port of a machine."""

from __future__ import annotations

import ssl

import httpx

from os2cli.host.network.bounded import fetch
from os2cli.host.network.deadlines import keep_deadline


def fetch_small(url: str, seconds: float, limit: int) -> httpx.Response | None:
    """Return the answer of a program here; None if it is not there, large (in bytes) or late."""
    # Plain HTTP only: this context trusts no one, and is made at once.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = keep_deadline(httpx.HTTPTransport(verify=tls, trust_env=False))
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=seconds) as client:
            return fetch(client, "GET", url, seconds=seconds, limit=limit)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
