"""Connections to programs on this computer, such as the port of a machine."""

from __future__ import annotations

import ssl

import httpx

from os2cli.host.network.deadlines import keep_deadline


def loopback_client(seconds: float) -> httpx.Client:
    """Return a client that takes no proxy and keeps to deadlines; ``seconds`` limits each read."""
    # Plain HTTP only: this context trusts no one, and is made at once.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = keep_deadline(httpx.HTTPTransport(verify=tls, trust_env=False))
    return httpx.Client(transport=transport, trust_env=False, timeout=seconds)
