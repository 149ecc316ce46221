"""The headers that pass the proxy, and those that don't."""

from __future__ import annotations

import json

import pytest

from tests.posthog_server import PostHogServer
from tests.unit.ui.ingest.wires import Upstream, proxy_to, says

SECRETS = [
    "Cookie: os2_session=s3cret; ph_phc_x_posthog=s3cret",
    "Authorization: Bearer s3cret",
    "Proxy-Authorization: Basic s3cret",
    "Origin: http://127.0.0.1:4321",
    "Referer: http://127.0.0.1:4321/machines/dev?token=s3cret",
    "X-Forwarded-For: 10.0.0.7",
    "X-Forwarded-Host: s3cret.example",
    "Forwarded: for=10.0.0.7",
    "X-Real-IP: 10.0.0.7",
    "Sec-Fetch-Site: same-origin",
    "X-CSRF-Token: s3cret",
    "Upgrade: h2c",
    "Accept-Language: s3cret",
    "Accept-Encoding: s3cret",
    'If-None-Match: "s3cret"',
]
PASSED = {
    "content-type": "application/json",
    "content-encoding": "identity",
    "accept": "*/*",
    "user-agent": "A browser/1.0",
}


def test_only_allowed_headers_reach_posthog() -> None:
    with PostHogServer() as posthog, proxy_to(posthog.url) as browser:
        wanted = [f"{name}: {value}" for name, value in PASSED.items()]
        message = b'{"event": "hello", "distinct_id": "me", "token": "phc_x"}'

        assert browser.ask("/ingest/e/", *SECRETS, *wanted, body=message).status == 200

        (request,) = posthog.requests
        assert request.body == message
        assert dict(request.headers) == {
            "host": posthog.url.removeprefix("http://"),
            "content-length": str(len(message)),
            "accept-encoding": "identity",
            **PASSED,
        }
        assert "s3cret" not in posthog.everything


def test_only_our_own_headers_come_back() -> None:
    answer = (
        b"HTTP/1.1 200 Fine\r\nContent-Type: application/json; charset=x\r\n"
        b'ETag: "tag"\r\nCache-Control: max-age=300\r\nVary: Accept-Encoding\r\n'
        b"Set-Cookie: theirs=1; Path=/\r\nAccess-Control-Allow-Origin: *\r\nServer: theirs\r\n"
        b"Refresh: 0; url=https://evil.example\r\nClear-Site-Data: *\r\nLink: </x>; rel=preload\r\n"
        b"Content-Security-Policy: default-src *\r\nStrict-Transport-Security: max-age=9\r\n"
        b"Service-Worker-Allowed: /\r\nLocation: https://evil.example\r\n"
        b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        b'Content-Length: 18\r\n\r\n{"status": "evil"}'
    )
    with Upstream(says(answer)) as upstream, proxy_to(upstream.url) as browser:
        reply = browser.ask("/ingest/e/", body=b"{}")

        assert reply.status == 200
        assert json.loads(reply.body) == {"status": 1, "quota_limited": []}
        mentioned = {name: reply.headers.pop(name) for name in ("date", "server", "connection")}
        assert mentioned["server"] == "uvicorn"
        assert reply.headers == {
            "content-type": "application/json",
            "cache-control": "no-store",
            "content-length": str(len(reply.body)),
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "referrer-policy": "no-referrer",
        }


def test_posthog_s_cookies_are_not_stored() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: theirs=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    with Upstream(says(answer)) as upstream, proxy_to(upstream.url) as browser:
        for _ in range(2):
            assert browser.ask("/ingest/e/", body=b"{}").status == 200

        assert len(upstream.heads) == 2
        assert all(b"cookie" not in head.lower() for head in upstream.heads)


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308, 300])
def test_a_redirect_is_neither_followed_nor_returned(status: int) -> None:
    with Upstream() as elsewhere:
        answer = (
            f"HTTP/1.1 {status} Elsewhere\r\nLocation: {elsewhere.url}/e/\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        with Upstream(says(answer.encode())) as upstream, proxy_to(upstream.url) as browser:
            reply = browser.ask("/ingest/e/", body=b"{}")

            assert reply.status == 502
            assert "location" not in reply.headers
            assert elsewhere.heads == []


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_failure_is_its_status_and_nothing_else(status: int) -> None:
    answer = (
        f"HTTP/1.1 {status} So\r\nETag: x\r\nRetry-After: 7\r\nContent-Type: text/html\r\n"
        "Content-Length: 25\r\n\r\n<script>alert(1)</script>"
    )
    with Upstream(says(answer.encode())) as upstream, proxy_to(upstream.url) as browser:
        reply = browser.ask("/ingest/e/", body=b"{}")

        assert (reply.status, reply.headers["retry-after"]) == (status, "7")
        assert (reply.headers["content-type"], reply.body) == ("application/json", b"{}")


@pytest.mark.parametrize(
    "header", ["X-A: a\nCookie: b", "X-A: a\r\n Cookie: b", "X A: b", "X-A : b", "X-A: \x00"]
)
def test_a_header_in_a_header_is_not_forwarded(header: str) -> None:
    with Upstream() as upstream, proxy_to(upstream.url) as browser:
        browser.ask("/ingest/e/", header, body=b"{}")

        assert all(b"cookie" not in head.lower() for head in upstream.heads)
        assert all(b"x-a" not in head.lower() for head in upstream.heads)


def test_a_length_next_to_chunks_is_dropped() -> None:
    with PostHogServer() as posthog, proxy_to(posthog.url) as browser:
        message = b'{"event": "hello", "distinct_id": "me", "token": "phc_x"}'
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(message), message)
        head = browser.head("/ingest/e/", "Content-Length: 3", "Transfer-Encoding: chunked")

        assert browser.send(head + chunks).status in (200, 400)

        assert all("content-length" not in each.headers for each in posthog.requests)
        assert all(each.body == message for each in posthog.requests)
