"""Addresses of a sandbox, private, public and signed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.daytona_server import DaytonaServer
from tests.polling import until
from tests.unit.servers.daytona.calls import (
    NO_CERTIFICATES,
    create,
    message,
    state,
)


@pytest.mark.usefixtures("snapshot")
class TestPreview:
    @pytest.fixture
    def browser(self) -> Iterator[httpx.Client]:
        """Return a client without any login."""
        with httpx.Client(trust_env=False, verify=NO_CERTIFICATES) as client:
            yield client

    def test_private_wants_the_token(self, api: httpx.Client, browser: httpx.Client) -> None:
        create(api)
        link = api.get("/sandbox/one/ports/3000/preview-url").json()
        health = f"{link['url']}/api/health"
        refused = browser.get(health)
        assert refused.status_code == 307
        assert refused.headers["location"].endswith("/login")
        wrong = browser.get(health, headers={"x-daytona-preview-token": "no"})
        assert wrong.status_code == 307
        right = browser.get(health, headers={"x-daytona-preview-token": link["token"]})
        assert (right.status_code, right.json()) == (200, {"status": "ok"})
        query = browser.get(health, params={"DAYTONA_SANDBOX_AUTH_KEY": link["token"]})
        assert query.status_code == 200
        assert api.get(health).status_code == 200

    def test_the_token_changes_at_each_start(
        self, api: httpx.Client, browser: httpx.Client
    ) -> None:
        create(api)
        before = api.get("/sandbox/one/ports/3000/preview-url").json()
        api.post("/sandbox/one/stop")
        until(lambda: state(api, "/sandbox/one") == "stopped")
        stopped = browser.get(before["url"], headers={"x-daytona-preview-token": before["token"]})
        message(stopped, 502)
        api.post("/sandbox/one/start")
        after = api.get("/sandbox/one/ports/3000/preview-url").json()
        assert after["url"] == before["url"]
        assert after["token"] != before["token"]

    def test_public_needs_none_but_a_browser_is_warned(
        self, server: DaytonaServer, api: httpx.Client, browser: httpx.Client
    ) -> None:
        create(api, public=True)
        url = api.get("/sandbox/one/ports/3000/preview-url").json()["url"] + "/api/health"
        assert browser.get(url).json() == {"status": "ok"}
        mozilla = {"User-Agent": "Mozilla/5.0"}
        assert "warning" in browser.get(url, headers=mozilla).text
        skipping = mozilla | {"X-Daytona-Skip-Preview-Warning": "true"}
        assert browser.get(url, headers=skipping).json() == {"status": "ok"}
        server.stub_status = 503
        assert browser.get(url).status_code == 503
        assert [seen.status for seen in server.preview_requests] == [200, 200, 200, 503]

    def test_signed(self, server: DaytonaServer, api: httpx.Client, browser: httpx.Client) -> None:
        create(api)
        path = "/sandbox/one/ports/3000/signed-preview-url"
        link = api.get(path, params={"expiresInSeconds": 100}).json()
        health = f"{link['url']}/api/health"
        assert browser.get(health).json() == {"status": "ok"}
        tokens = server.sandbox("one").signed_tokens
        assert 90 < tokens[3000, link["token"]] - time.monotonic() <= 100
        tokens[3000, link["token"]] = time.monotonic()
        message(browser.get(health), 404)
        lasting = api.get(path).json()
        assert browser.get(lasting["url"]).status_code == 200
        assert api.post(f"{path}/{lasting['token']}/expire").status_code == 200
        message(browser.get(lasting["url"]), 404)
        message(api.get(path, params={"expiresInSeconds": 100_000}), 400)
        assert server.violations == []

    def test_nothing_there(self, api: httpx.Client, browser: httpx.Client) -> None:
        create(api, public=True)
        url = api.get("/sandbox/one/ports/8080/preview-url").json()["url"]
        message(browser.get(url), 502)
        message(api.get("/sandbox/one/ports/0/preview-url"), 400)
        api.delete("/sandbox/one")
        until(lambda: browser.get(url).status_code == 404)
