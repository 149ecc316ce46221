"""The headers that pass the proxy in each direction; all others are dropped.

An allow-list keeps back cookies, credentials, the page's address (``Origin``, ``Referer``,
``X-Forwarded-*``), and any header that browsers may add in the future.
"""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

_REQUEST = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"if-modified-since",
        b"if-none-match",
        b"user-agent",
    }
)
_RESPONSE = frozenset(
    {
        b"cache-control",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"etag",
        b"expires",
        b"last-modified",
        b"retry-after",
        b"vary",
    }
)
# Upstream responses are scripts or data, and must never act as a page of our origin.
_OURS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
]


def request_headers(headers: Iterable[tuple[bytes, bytes]], *, with_body: bool) -> Headers:
    """Return the browser's headers that PostHog gets."""
    headers = [(name.lower(), value) for name, value in headers]
    passed = [header for header in headers if header[0] in _REQUEST]
    if not with_body:
        return [header for header in passed if not header[0].startswith(b"content-")]
    if any(name == b"transfer-encoding" for name, _ in headers):
        # A length next to chunks could enable request smuggling (RFC 9112, 6.3).
        return [header for header in passed if header[0] != b"content-length"]
    return passed


def response_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return PostHog's headers that the browser gets, plus ours."""
    return [(n.lower(), value) for n, value in headers if n.lower() in _RESPONSE] + _OURS


def text_headers(length: int) -> Headers:
    """Return the headers of a text response of our own."""
    return [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(length).encode()),
        (b"cache-control", b"no-store"),
        *_OURS,
    ]


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the declared length; None if there is none."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None
