"""The headers that pass the proxy in each direction; all others are dropped.

An allow-list keeps back cookies, credentials, the page's address (``Origin``, ``Referer``,
``X-Forwarded-*``), and any header that browsers may add in the future.
"""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

_REQUEST = frozenset(
    {b"accept", b"content-encoding", b"content-length", b"content-type", b"user-agent"}
)
# The response is parsed here, so that it must not be compressed.
_OURS_THERE: Headers = [(b"accept-encoding", b"identity")]
# Responses must never act as a page or a script of our origin.
_OURS_HERE: Headers = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
]


def request_headers(headers: Iterable[tuple[bytes, bytes]], *, with_body: bool) -> Headers:
    """Return the browser's headers that PostHog gets."""
    headers = [(name.lower(), value) for name, value in headers]
    passed = [header for header in headers if header[0] in _REQUEST] + _OURS_THERE
    if not with_body:
        return [header for header in passed if not header[0].startswith(b"content-")]
    if any(name == b"transfer-encoding" for name, _ in headers):
        # A length next to chunks could enable request smuggling (RFC 9112, 6.3).
        return [header for header in passed if header[0] != b"content-length"]
    return passed


def response_headers(kind: bytes, length: int) -> Headers:
    """Return the headers of every response of the proxy."""
    return [(b"content-type", kind), (b"content-length", str(length).encode()), *_OURS_HERE]


def retry_after(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return how many seconds PostHog asks to wait, if it does."""
    waits = (value for name, value in headers if name.lower() == b"retry-after")
    return [(b"retry-after", value) for value in waits if value.isdigit() and len(value) < 6][:1]


def is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a response declares JSON that is not compressed."""
    fields = {name.lower(): value.strip().lower() for name, value in headers}
    kind = fields.get(b"content-type", b"").partition(b";")[0].strip()
    encoding = fields.get(b"content-encoding", b"identity")
    return (kind, encoding) == (b"application/json", b"identity")


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the declared length; None if there is none."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None
