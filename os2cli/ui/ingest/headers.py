"""Which headers pass, in both directions: those that are named here and no others.

Cookies, credentials, and what tells the page's address (``Origin``, ``Referer``,
``X-Forwarded-*``) are kept back without being listed, and so is whatever a browser invents next.
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
# What comes from elsewhere is a script or data, and never a page at our own address.
_OURS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
]


def request_headers(headers: Iterable[tuple[bytes, bytes]], *, with_body: bool) -> Headers:
    """Those of the browser's that PostHog gets."""
    headers = [(name.lower(), value) for name, value in headers]
    passed = [header for header in headers if header[0] in _REQUEST]
    if not with_body:
        return [header for header in passed if not header[0].startswith(b"content-")]
    if any(name == b"transfer-encoding" for name, _ in headers):
        # A length beside chunks is a lie that somebody behind us might believe.
        return [header for header in passed if header[0] != b"content-length"]
    return passed


def response_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Those of PostHog's that the browser gets, with ours."""
    return [(n.lower(), value) for n, value in headers if n.lower() in _RESPONSE] + _OURS


def words_headers(length: int) -> Headers:
    """Those of an answer of our own."""
    return [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(length).encode()),
        (b"cache-control", b"no-store"),
        *_OURS,
    ]


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length that a message announces, None when it does not."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None
