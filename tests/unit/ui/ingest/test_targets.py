"""The requests that reach PostHog, on which host, and those that never leave this computer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.ui.ingest.wires import Browser, Upstream, proxy_to

API = ["/e", "/i/v0/e", "/batch", "/capture", "/decide", "/flags", "/s", "/engage"]
CONFIG = ["/array/phc_key/config", "/array/phc-KEY_1/config"]
SCRIPTS = [
    "/static/array.js",
    "/static/1.449.2/lazy-recorder.js",
    "/array/phc_key/array.js",
    "/array/phc_key/config.js",
    "/array/phc_key/config.json",
    "/array/phc_key/config/",
    "/array/phc_key/config.js/config",
    "/array/phc.key/config",
    "/array/config",
    "/site_app/1/token/hash/",
    "/toolbar.js",
]
TRAVERSALS = [
    "/..",
    "/../e",
    "/./e",
    "/e/..",
    "/static/../e",
    "/static/..%2fe",
    "/static/%2e%2e/e",
    "/static/%2E%2E%2Fe",
    "/static/%252e%252e%252fe",
    "/static/..%5ce",
    "/static/..\\e",
    "/static/%c0%ae%c0%ae/e",
    "/static/.%00./e",
    "/static/...",
    "/static/..;/e",
    "/static/.hidden",
    "//e",
    "//eu.i.posthog.com/e",
    "/static//array.js",
    "/static/array.js//",
    "/e;/static/array.js",
    "/static/a;b.js",
    "/e%3Fa=b",
    "/e%20HTTP/1.1",
    "/static/a%0d%0aX-Evil:%20yes",
    "/static/a\\b",
    "/static/http:/evil.example",
    "/e@evil.example",
    "/%65",
    "/\uff45".encode().decode("latin-1"),
]
UNKNOWN = [
    "/",
    "/api",
    "/api/projects",
    "/E",
    "/e/more",
    "/ee",
    "/i",
    "/i/v0",
    "/i/v0/e/more",
    "/i/v1/e",
    "/s/../../etc/passwd",
    "/static",
    "/static/",
    "/array",
    "/array/",
    "/staticfiles/a",
    "/batch/x",
]


@pytest.fixture
def hosts() -> Iterator[tuple[Upstream, Upstream]]:
    with Upstream() as api, Upstream() as assets:
        yield api, assets


@pytest.fixture
def browser(hosts: tuple[Upstream, Upstream]) -> Iterator[Browser]:
    with proxy_to(hosts[0].url, hosts[1].url) as browser:
        yield browser


def lines(upstream: Upstream) -> list[str]:
    return [head.decode().split("\r\n")[0] for head in upstream.heads]


@pytest.mark.parametrize("slash", ["", "/"])
def test_events_go_to_the_api_host(
    browser: Browser, hosts: tuple[Upstream, Upstream], slash: str
) -> None:
    for path in API:
        assert browser.ask(f"/ingest{path}{slash}", body=b"{}").status == 200

    assert lines(hosts[0]) == [f"POST {path}{slash} HTTP/1.1" for path in API]
    assert lines(hosts[1]) == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_configuration_comes_from_the_assets_host(
    browser: Browser, hosts: tuple[Upstream, Upstream], method: str
) -> None:
    for path in CONFIG:
        assert browser.ask(f"/ingest{path}", method=method).status == 200

    assert lines(hosts[1]) == [f"{method} {path} HTTP/1.1" for path in CONFIG]
    assert lines(hosts[0]) == []


@pytest.mark.parametrize("path", [*TRAVERSALS, *UNKNOWN, *SCRIPTS])
def test_other_paths_are_rejected(
    browser: Browser, hosts: tuple[Upstream, Upstream], path: str
) -> None:
    for method in ("GET", "POST", "HEAD"):
        assert browser.ask(f"/ingest{path}", method=method).status in (400, 404)

    assert lines(hosts[0]) == lines(hosts[1]) == []


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/ingest/e",
        "http://127.0.0.1/ingest/e",
        "https://eu.i.posthog.com/e",
        "evil.example:443",
        "*",
        "ingest/e",
        "/%69ngest/e",
        "/x/../ingest/e",
        "/ingest%2fe",
    ],
)
def test_other_forms_of_a_target_are_rejected(
    browser: Browser, hosts: tuple[Upstream, Upstream], target: str
) -> None:
    assert browser.ask(target, body=b"{}").status in (400, 404)

    assert lines(hosts[0]) == lines(hosts[1]) == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/e/", "GET, POST"),
        ("DELETE", "/e/", "GET, POST"),
        ("OPTIONS", "/e/", "GET, POST"),
        ("PATCH", "/flags/", "GET, POST"),
        ("TRACE", "/s/", "GET, POST"),
        ("POST", "/array/phc_key/config", "GET, HEAD"),
        ("PURGE", "/array/phc_key/config", "GET, HEAD"),
    ],
)
def test_other_methods_are_rejected(
    browser: Browser, hosts: tuple[Upstream, Upstream], method: str, path: str, allowed: str
) -> None:
    reply = browser.ask(f"/ingest{path}", method=method)

    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert lines(hosts[0]) == lines(hosts[1]) == []


def test_the_query_is_forwarded_unchanged(
    browser: Browser, hosts: tuple[Upstream, Upstream]
) -> None:
    query = "v=2&ip=1&_=1764121&compression=gzip-js&a=%2Fx%20y+z%26&b="

    browser.ask(f"/ingest/flags/?{query}", body=b"{}")

    assert lines(hosts[0]) == [f"POST /flags/?{query} HTTP/1.1"]


def test_a_fragment_is_rejected(browser: Browser, hosts: tuple[Upstream, Upstream]) -> None:
    assert browser.ask("/ingest/e/?a#@evil.example/", body=b"{}").status == 400

    assert lines(hosts[0]) == []
