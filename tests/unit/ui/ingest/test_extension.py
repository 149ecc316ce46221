"""PostHog in the page: access to its proxy, the page's settings, and when it is absent."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.errors import UsageError
from os2cli.ui.ingest.address import ProxyAddress, proxy_address
from os2cli.ui.ingest.proxy import IngestProxy
from os2cli.ui.ingest.upstreams import Upstreams
from tests.command import Os2, base_environment
from tests.posthog_server import PostHogServer
from tests.proxies import HttpProxy, SocksProxy
from tests.unit.ui.served import Served, served

STATIC = Path(__file__).parents[4] / "os2cli/ui/static"
KEY = "phc_of_the_page"
MESSAGE = {"event": "hello", "distinct_id": "me", "token": KEY}


@pytest.fixture(autouse=True)
def analytics(no_engine: None, posthog: PostHogServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a public key and PostHog's URL."""
    monkeypatch.setenv("VITE_POSTHOG_PUBLIC_KEY", KEY)
    monkeypatch.setenv("POSTHOG_HOST", posthog.url)


def command_line() -> Os2:
    """Return os2 in the current directory and environment."""
    return Os2(Path.cwd(), {**os.environ, **base_environment(Path.home())})


def settings_of(page: Served) -> dict[str, Any] | None:
    """Return the page's settings for PostHog's script."""
    text = page.http.get("/machines").text
    found = re.search(r'<meta name="os2-analytics" content="([^"]*)">', text)
    assert bool(found) == ("/static/analytics.js" in text)
    return json.loads(html.unescape(found[1])) if found else None


def policy(page: Served) -> dict[str, str]:
    text = page.http.get("/machines").headers["content-security-policy"]
    return dict(each.split(" ", 1) for each in text.split("; "))


class TestProxies:
    """The way to PostHog is the one of all other clients."""

    @pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
    def test_a_proxy_is_taken(
        self, kind: type[HttpProxy], posthog: PostHogServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,10.0.0.0/99")
        monkeypatch.setenv("POSTHOG_HOST", "http://ph.test")
        with kind({"ph.test": int(posthog.url.rpartition(":")[2])}) as proxy:
            scheme = "http" if kind is HttpProxy else "socks5"
            monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
            with served() as page:
                answer = page.http.post("/ingest/e/", json=MESSAGE, headers=page.own)

        assert (answer.status_code, proxy.asked) == (200, ["ph.test:80"])
        assert len(posthog.named("hello")) == 1

    def test_no_value_of_no_proxy_keeps_it_from_starting(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "fd07:b51a:cc66:f0::/64,10.0.0.0/99,[::1")

        IngestProxy(Upstreams("https://ph.test", "https://ph.test"))

    def test_one_to_blame_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POSTHOG_HOST", "https://ph.test")
        monkeypatch.setenv("HTTPS_PROXY", "http://jo:hush@127.0.0.1:1")
        with served() as page:
            answer = page.http.post("/ingest/e/", json=MESSAGE, headers=page.own)

        assert answer.status_code == 502
        assert answer.text.startswith("cannot reach PostHog: the proxy 127.0.0.1:1 (HTTPS_PROXY): ")
        assert "hush" not in answer.text


class TestGuarded:
    """The guard protects the proxy."""

    def test_our_own_pages_pass(self, posthog: PostHogServer) -> None:
        with served() as page:
            answer = page.http.post("/ingest/e/", json=MESSAGE, headers=page.own)

        assert answer.status_code == 200
        assert len(posthog.named("hello")) == 1
        assert page.credentials.session not in posthog.everything
        assert page.path not in posthog.everything
        assert not re.search(rf"\b{page.credentials.port}\b", posthog.everything)

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({}, 403),
            ({"Cookie": "os2_ui=x"}, 401),
            ({"Host": "evil.example"}, 421),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
        ],
    )
    def test_other_clients_are_rejected(
        self, posthog: PostHogServer, headers: dict[str, str], status: int
    ) -> None:
        with served() as page:
            own = {} if headers == {} else page.own
            answer = page.http.post("/ingest/e/", json=MESSAGE, headers={**own, **headers})

        assert answer.status_code == status
        assert posthog.requests == []

    def test_a_recording_may_be_larger_than_a_form(self) -> None:
        message = {**MESSAGE, "properties": {"x": "x" * (2 << 20)}}
        with served() as page:
            answer = page.http.post("/ingest/e/", json=message, headers=page.own)
            refused = page.http.post("/machines", content=b"x" * (2 << 20), headers=page.own)

        assert (answer.status_code, refused.status_code) == (200, 413)

    def test_the_size_of_a_recording_is_limited(self, posthog: PostHogServer) -> None:
        megabyte = b"x" * (1 << 20)
        # The rest is not read: the response may be lost with the connection.
        with served() as page, suppress(httpx.TransportError):
            parts = iter([megabyte] * 66)
            answer = page.http.post("/ingest/s/", content=parts, headers=page.own)
            assert answer.status_code == 413

        assert posthog.recordings == []


class TestSettings:
    """The settings of a page, and when it has none."""

    def test_the_page_gets_the_user_and_its_route(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hostile = """"><script>alert(1)</script>'&"""
        monkeypatch.setenv("OS2_ORGANIZATION", hostile)
        monkeypatch.setenv("OS2_EMAIL", "me@example.com")
        monkeypatch.setenv("VITE_APP_STAGE", "pr-7")
        with served() as page:
            assert "<script>alert" not in page.http.get("/machines").text
            found = settings_of(page)

        assert found is not None
        routes = found.pop("routes")
        assert {"/machines", "/machines/{type}/{name}", "/machines/{type}/{name}/terminal"} <= {
            *routes
        }
        assert re.fullmatch(r"[0-9a-f-]{36}", found.pop("distinct_id"))
        assert found == {
            "key": KEY,
            "api_host": "/ingest",
            "ui_host": found["ui_host"],
            "email": "me@example.com",
            "groups": {"organization": hostile},
            "environment": "pr-7",
        }

    def test_posthog_s_script_is_one_of_ours(self) -> None:
        loader = (STATIC / "analytics.js").read_text()
        files = re.findall(r'file: "([^"]+)",\s+integrity: "([^"]+)"', loader)

        assert [file for file, _ in files] == ["posthog-recorder.js", "array.no-external.js"]
        for file, integrity in files:
            digest = hashlib.sha384((STATIC / "vendor/posthog" / file).read_bytes()).digest()
            assert integrity == f"sha384-{base64.b64encode(digest).decode()}"
            with served() as page:
                assert page.http.get(f"/static/vendor/posthog/{file}").status_code == 200
        assert "disable_external_dependency_loading: true" in loader

    def test_the_policy_allows_no_other_host(self) -> None:
        with served() as page:
            ours = policy(page)

            folder = f"{page.credentials.home}static/"

        # A folder of scripts: the proxy to PostHog is on our origin, and not among them.
        assert (ours["script-src"], ours["connect-src"]) == (folder, "'self'")

    @pytest.mark.parametrize(
        ("variable", "value"),
        [("VITE_POSTHOG_PUBLIC_KEY", ""), ("DO_NOT_TRACK", "1"), ("OS2_TELEMETRY", "0")],
    )
    def test_without_consent_analytics_are_absent(
        self, monkeypatch: pytest.MonkeyPatch, posthog: PostHogServer, variable: str, value: str
    ) -> None:
        monkeypatch.setenv(variable, value)
        with served() as page:
            assert settings_of(page) is None
            answer = page.http.post("/ingest/e/", json=MESSAGE, headers=page.own)

        assert answer.status_code in (403, 404)
        assert posthog.requests == []

    def test_turning_off_takes_effect_at_once(self, posthog: PostHogServer) -> None:
        with served() as page:
            assert settings_of(page) is not None
            assert command_line()("analytics", "off").status == 0

            assert settings_of(page) is None
            answer = page.http.post("/ingest/e/", json=MESSAGE, headers=page.own)

        assert (answer.status_code, answer.text) == (403, "analytics are off\n")
        assert posthog.requests == []


class TestProxyAddress:
    """The setting of the proxy's address."""

    def test_the_path_can_be_changed(
        self, monkeypatch: pytest.MonkeyPatch, posthog: PostHogServer
    ) -> None:
        monkeypatch.setenv("VITE_POSTHOG_PROXY_URI", "/relay/ph/")
        with served() as page:
            found = settings_of(page)
            answer = page.http.post("/relay/ph/e/", json=MESSAGE, headers=page.own)

        assert found is not None
        assert found["api_host"] == "/relay/ph"
        assert answer.status_code == 200
        assert len(posthog.named("hello")) == 1

    def test_an_external_proxy_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VITE_POSTHOG_PROXY_URI", "https://ph.example.com/x")
        with served() as page:
            found, ours = settings_of(page), policy(page)
            answer = page.http.post("/ingest/e/", json=MESSAGE, headers=page.own)

        assert found is not None
        assert found["api_host"] == "https://ph.example.com/x"
        assert ours["connect-src"] == "'self' https://ph.example.com"
        assert "example" not in ours["script-src"]
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("/ingest", ProxyAddress("/ingest")),
            ("/a/b.c/", ProxyAddress("/a/b.c")),
            ("http://[::1]:80/x/", ProxyAddress("http://[::1]:80/x", "http://[::1]:80")),
            ("https://ph.example.com", ProxyAddress(*["https://ph.example.com"] * 2)),
        ],
    )
    def test_a_valid_address_is_parsed(self, text: str, address: ProxyAddress) -> None:
        assert proxy_address(text, {"machines"}) == address

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "/",
            "ingest",
            "//evil.example/x",
            "/machines",
            "/machines/x",
            "/in gest",
            "/../x",
            "/x/..",
            "/x;script-src *",
            "/{x}",
            "/%2e",
            "ftp://example.com",
            "https://",
            "https://me:pw@example.com",
            "https://example.com?x",
            "https://example.com/#x",
            "https://example.com:99999",
            "https://example.com; script-src *",
            "https://[::1",
            "javascript:alert(1)",
        ],
    )
    def test_an_invalid_address_is_rejected(self, text: str) -> None:
        with pytest.raises(UsageError, match="VITE_POSTHOG_PROXY_URI") as refused:
            proxy_address(text, {"machines"})

        assert refused.value.hint is not None
        assert "/ingest" in refused.value.hint

    def test_an_invalid_address_leaves_the_page_without_analytics(
        self, monkeypatch: pytest.MonkeyPatch, posthog: PostHogServer
    ) -> None:
        monkeypatch.setenv("VITE_POSTHOG_PROXY_URI", "/machines")
        with served() as page:
            assert settings_of(page) is None
            assert page.http.post("/ingest/e/", json=MESSAGE, headers=page.own).status_code == 404

        assert posthog.requests == []
