"""The web UI against what shares its browser and its host: real Chromium, real cookies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest
from playwright.sync_api import expect

from os2cli.host.forwarding_page import posting_page
from tests.command import Os2
from tests.e2e.chromium import Chromium, chromium
from tests.e2e.on_the_page import site
from tests.polling import until
from tests.serving import Quiet, http_server
from tests.ui_site import Site, serving

__all__ = ["chromium", "site"]  # fixtures

pytestmark = pytest.mark.engine

# What the page of a machine may try, with the port of the web UI.
ATTACK = """<!doctype html><title>a machine</title><iframe src="http://127.0.0.1:PORT/"></iframe>
<img src="http://127.0.0.1:PORT/machines"><script>
const paths = ["/", "/machines", "/static/os2.js", "/sign-in", "/jobs"];
const own = paths.map((path) => fetch(path, { credentials: "include" }));
const theirs = paths.map((path) =>
  fetch(`http://127.0.0.1:PORT${path}`, { credentials: "include", mode: "no-cors" }));
document.cookie = "os2_ui_PORT=tossed; path=/";
document.cookie = `odd=${"x".repeat(4000)}; path=/`;
document.cookie = 'os2_ui_PORT="; path=/machines';
Promise.allSettled([...own, ...theirs]).then(() => { document.title = "done"; });
</script>"""


@contextmanager
def machine_page(port: int) -> Iterator[tuple[int, list[str]]]:
    """A page of a machine, on another port of this host; yields it and the cookies that it got."""
    cookies: list[str] = []

    class Page(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cookies.append(self.headers.get("Cookie", ""))
            body = ATTACK.replace("PORT", str(port)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with http_server(Page) as own_port:
        yield own_port, cookies


def test_a_page_on_another_port_does_not_get_the_cookie(chromium: Chromium, site: Site) -> None:
    with chromium.tab() as tab, machine_page(site.port) as (port, cookies):
        page = tab.page
        page.goto(site.way_in())
        expect(page.get_by_role("heading", name="Machines", exact=True)).to_be_visible()
        (ours,) = page.context.cookies()
        assert ours.get("path") == f"{site.base}/"

        for host in ("localhost", "127.0.0.1"):
            page.goto(f"http://{host}:{port}/")
            page.wait_for_function("document.title === 'done'")

        assert len(cookies) > 10
        assert [each for each in cookies if str(ours.get("value")) in each] == []
        # The cookies that it set for all ports do not lock the page.
        page.goto(f"{site.home}/machines")
        expect(page.get_by_role("heading", name="Machines", exact=True)).to_be_visible()
        page.goto(f"{site.home}/jobs")
        expect(page.get_by_text("No activity yet")).to_be_visible()


def test_the_file_of_the_browser_signs_in_and_leaves_no_token(
    chromium: Chromium, site: Site
) -> None:
    token = site.url.partition("token=")[2]
    with chromium.tab() as tab:
        page = tab.page
        # Its origin is none, as that of a file.
        page.set_content(posting_page(f"{site.home}/sign-in", {"token": token}))
        expect(page.get_by_role("heading", name="Machines", exact=True)).to_be_visible()
        assert page.url == f"{site.home}/machines"

        session = page.context.new_cdp_session(page)
        entries = session.send("Page.getNavigationHistory")["entries"]
        assert token not in str(entries)
        assert tab.complaints == []
        assert tab.violations() == []


HOSTILE = """window.owned = true; document.title = "owned"; fetch("/owned");"""
STEERING = """{"sessionRecording": {"endpoint": "/../snapshots/build"},
"analytics": {"endpoint": "/../snapshots/build"}, "supportedCompression": ["base64"],
"siteApps": [{"id": 1, "url": "/evil.js"}], "siteAppsJS": ["alert(1)"], "surveys": true,
"toolbarParams": {"token": "x"}, "logs": {"captureConsoleLogs": true}, "heatmaps": true}"""


@pytest.mark.parametrize("kind", ["text/javascript", "text/html", "application/json"])
def test_a_hostile_posthog_runs_nothing_and_changes_nothing(
    chromium: Chromium, os2: Os2, kind: str
) -> None:
    asked: list[str] = []

    class Hostile(Quiet, BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = STEERING if kind == "application/json" else HOSTILE
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Set-Cookie", "theirs=1; Path=/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = answer  # noqa: N815 - the library's names

    with http_server(Hostile) as port:
        env = {"VITE_POSTHOG_PUBLIC_KEY": "phc_x", "POSTHOG_HOST": f"http://127.0.0.1:{port}"}
        with (
            serving(replace(os2, env={**os2.env, **env})) as site,
            chromium.tab() as tab,
        ):
            page, requests = tab.page, []
            page.on("request", lambda each: requests.append(f"{each.method} {each.url}"))
            page.goto(site.way_in())
            until(lambda: [each for each in asked if "/array/phc_x/config" in each], 30)
            page.mouse.move(300, 300)
            page.mouse.click(2, 500)
            page.goto(f"{site.home}/jobs")
            until(lambda: len([each for each in asked if "/config" in each]) > 1, 30)
            expect(page.get_by_text("No activity yet")).to_be_visible()

            assert page.evaluate("window.owned") is None
            assert "owned" not in page.title()
            (cookie,) = page.context.cookies()
            assert cookie.get("name") == f"os2_ui_{site.port}"
            ingest = f"POST {site.home}/ingest/"
            posts = [each for each in requests if each.startswith("POST ")]
            assert [each for each in posts if not each.startswith(ingest)] == []
            scripts = [each for each in requests if ".js" in each]
            assert [each for each in scripts if f"{site.home}/static/" not in each] == []
            assert tab.violations() == []
