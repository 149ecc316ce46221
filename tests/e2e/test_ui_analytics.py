"""PostHog in the web UI: its real script in a real browser, and a server that records events."""

from __future__ import annotations

import json
import re
import socket
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.command import Os2
from tests.e2e.chromium import Chromium, Tab, chromium
from tests.polling import until
from tests.posthog_server import PostHogServer, recorded
from tests.ui_site import Site, serving

__all__ = ["chromium"]  # a fixture

pytestmark = pytest.mark.engine

SCRIPTS = Path(__file__).parents[1] / "browser/node_modules/posthog-js/dist"
SHORT = 4
SECONDS = 30
KEY = "phc_of_the_tests"
FULL_SNAPSHOT, META = 2, 4
# A browser that is busy compressing when the page is left.
NEVER_COMPRESSED = """
window.CompressionStream = class extends TransformStream {
  constructor() { super({ transform: () => new Promise(() => {}) }); }
};
"""


@pytest.fixture
def posthog() -> Iterator[PostHogServer]:
    assert (SCRIPTS / "array.js").exists(), "nox -s e2e installs it"
    with PostHogServer(SCRIPTS) as server:
        yield server


@pytest.fixture
def counted(os2: Os2, posthog: PostHogServer) -> Os2:
    """os2 with a key for the web UI."""
    return with_settings(
        os2,
        VITE_POSTHOG_PUBLIC_KEY=KEY,
        POSTHOG_HOST=posthog.url,
        VITE_APP_STAGE="pr-4711",
        OS2_ORGANIZATION="acme",
        OS2_PROJECT="rockets",
        OS2_EMAIL="me@example.com",
    )


def with_settings(os2: Os2, **env: str) -> Os2:
    return replace(os2, env={**os2.env, **env})


@contextmanager
def opened(chromium: Chromium, site: Site) -> Iterator[tuple[Page, list[str]]]:
    """A tab on the web UI without errors, and all its requests."""
    with chromium.tab() as tab:
        asked = watched(tab)
        tab.page.goto(site.way_in())
        yield tab.page, asked
        assert tab.complaints == []
        assert tab.violations() == []


def watched(tab: Tab) -> list[str]:
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    return asked


def arrived(posthog: PostHogServer, event: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the events of a name once there are this many."""
    until(lambda: len(named(posthog, event)) >= count, SECONDS)
    return named(posthog, event)


def named(posthog: PostHogServer, event: str) -> list[dict[str, Any]]:
    """Each once: requests that a reload interrupts are sent again, and recognised by their UUID."""
    return list({each["uuid"]: each for each in posthog.named(event)}.values())


def shown(posthog: PostHogServer) -> list[dict[str, Any]]:
    """Return the text in all recordings."""
    return [event for message in list(posthog.recordings) for event in recorded(message)]


def pages_shown(posthog: PostHogServer) -> list[str]:
    return [event["data"]["href"] for event in shown(posthog) if event["type"] == META]


def used(page: Page) -> None:
    """Interact once recording has started: an idle page is not sent."""
    until(lambda: page.evaluate("window.posthog?.sessionRecordingStarted?.()"), SECONDS)
    page.mouse.move(300, 300)
    page.mouse.move(320, 340, steps=5)
    page.mouse.click(2, 500)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def test_a_person_is_identified_once_and_a_group_when_it_changes(
    chromium: Chromium, counted: Os2, posthog: PostHogServer
) -> None:
    port = free_port()
    with chromium.tab() as tab:
        asked = watched(tab)
        with serving(counted, "--port", port) as site:
            tab.page.goto(site.way_in())
            (first,) = arrived(posthog, "$pageview")
            tab.page.reload()
            arrived(posthog, "$pageview", 2)
            tab.page.goto(f"{site.home}/snapshots?token=s3cret#s3cret")
            arrived(posthog, "$pageview", 3)
            used(tab.page)
            until(lambda: posthog.recordings, SECONDS)
            tab.page.goto("about:blank")

        groups = arrived(posthog, "$groupidentify", 2)
        assert {
            (e["properties"]["$group_type"], e["properties"]["$group_key"]) for e in groups
        } == {
            ("organization", "acme"),
            ("project", "rockets"),
        }
        # It is a request of its own.
        (identified,) = arrived(posthog, "$identify")
        assert identified["$set"] == {"email": "me@example.com"}
        identity = counted("analytics", "status", "--json").stdout
        assert identified["properties"]["distinct_id"] in identity
        assert first["properties"]["distinct_id"] == identified["properties"]["distinct_id"]
        assert first["properties"]["$groups"] == {"organization": "acme", "project": "rockets"}
        assert {each["properties"]["$environment"] for each in posthog.events} == {"pr-4711"}
        assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{port}"}
        vendored = f"{site.home}/static/vendor/posthog/"
        assert [url for url in asked if url.startswith(vendored)][:2] == [
            f"{vendored}posthog-recorder.js",
            f"{vendored}array.no-external.js",
        ]

        other = with_settings(counted, OS2_ORGANIZATION="others")
        with serving(other, "--port", port) as site:
            tab.page.goto(site.way_in())
            arrived(posthog, "$pageview", 4)
            tab.page.reload()
            arrived(posthog, "$pageview", 5)
            tab.page.goto("about:blank")

    again = arrived(posthog, "$groupidentify", 3)[2:]
    assert [each["properties"]["$group_key"] for each in again] == ["others"]
    assert len(named(posthog, "$identify")) == 1
    assert Counter(each["event"] for each in posthog.events)["$set"] == 0
    assert tab.complaints == []


def test_what_happened_on_a_page_that_is_left_at_once_arrives(
    chromium: Chromium, counted: Os2, posthog: PostHogServer
) -> None:
    with serving(counted) as site, chromium.tab() as tab:
        tab.page.add_init_script(NEVER_COMPRESSED)
        tab.page.goto(site.way_in())
        until(lambda: tab.page.evaluate("window.posthog?.get_property?.('$user_id')"), SECONDS)
        tab.page.goto("about:blank")
        arrived(posthog, "$identify")
        arrived(posthog, "$groupidentify", 2)
        assert tab.complaints == []


def test_nothing_private_arrives(chromium: Chromium, counted: Os2, posthog: PostHogServer) -> None:
    name, secret = f"canary-{uuid.uuid4().hex[:8]}", f"s3cret{uuid.uuid4().hex[:8]}"
    made = counted("machine", "create", name)
    assert made.status == 0, made.stderr
    log = "/var/log/iterate-server/current"
    wrote = counted("machine", "exec", name, "--", "sh", "-c", f"echo {secret} in a log >>{log}")
    assert wrote.status == 0, wrote.stderr

    with serving(counted) as site, opened(chromium, site) as (page, asked):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        arrived(posthog, "$pageview", 1)
        used(page)

        page.goto(f"{site.home}/machines/new")
        page.get_by_label("Name", exact=True).fill(secret)
        page.get_by_label("Variable name").fill("A_KEY")
        page.get_by_label("Value", exact=True).fill(secret)
        page.get_by_label("Show values").check()
        arrived(posthog, "$pageview", 2)

        page.goto(f"{site.home}/machines/local-docker/{name}")
        page.get_by_label("Service").fill("iterate-server")
        page.get_by_label("Service").press("Enter")
        expect(page.locator("#log-lines")).to_contain_text(f"{secret} in a log")
        arrived(posthog, "$pageview", 3)

        page.goto(f"{site.home}/machines/local-docker/{name}/terminal")
        expect(page.locator("#terminal-state")).to_have_text("Connected")
        page.keyboard.type(f"echo {secret}\n")
        expect(page.locator("#terminal .xterm-rows")).to_contain_text(secret)
        arrived(posthog, "$pageview", 4)
        page.goto(f"{site.home}/jobs")
        arrived(posthog, "$pageview", 5)
        used(page)

        kinds = [
            "/machines",
            "/machines/new",
            "/machines/{type}/{name}",
            "/machines/{type}/{name}/terminal",
            "/jobs",
        ]
        addresses = {f"https://os2.invalid{kind}" for kind in kinds}
        until(lambda: addresses <= set(pages_shown(posthog)), SECONDS)
        arrived(posthog, "$pageleave", 4)

    told = posthog.everything
    full = json.dumps([event for event in shown(posthog) if event["type"] == FULL_SNAPSHOT])
    # They are not empty, or the check would prove nothing.
    assert '"Machines"' in full
    assert "ph-no-capture" in full
    port, token = site.origin.rpartition(":")[2], site.url.partition("token=")[2]
    private = [
        secret,
        name,
        token,
        site.base,
        f"127.0.0.1:{port}",
        str(counted.folder),
        counted.env["HOME"],
    ]
    private += [socket.gethostname(), counted.env["APP_STAGE"]]
    # Whole words: a short host name is part of many random IDs, and of Base64 between its signs.
    edges = {each: "A-Za-z0-9" if len(each) > SHORT else "A-Za-z0-9+/_-" for each in private}
    words = [f"(?<![{edge}]){re.escape(each)}(?![{edge}])" for each, edge in edges.items()]
    assert [word for word in words if re.search(word, told)] == []
    assert [each for each in (secret, name, token, site.base) if each in told] == []
    assert all("cookie" not in request.headers for request in posthog.requests)
    assert {each["properties"]["$current_url"] for each in posthog.named("$pageview")} <= addresses
    outside = [url for url in asked if not url.startswith((site.origin, "data:"))]
    assert [url for url in outside if not url.startswith("http://localhost:")] == []


def test_a_sign_out_starts_another_person(
    chromium: Chromium, counted: Os2, posthog: PostHogServer
) -> None:
    with serving(counted) as site, opened(chromium, site) as (page, _):
        (first,) = arrived(posthog, "$identify")
        used(page)
        until(lambda: posthog.recordings, SECONDS)
        kept = page.evaluate("posthog.get_distinct_id()")

        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("body")).to_contain_text("You are signed out.")

        stored = page.evaluate("JSON.stringify(localStorage)")
        assert kept not in stored
        assert page.evaluate("document.cookie") == ""
        assert page.context.cookies() == []
        page.goto(site.way_in())
        _, second = arrived(posthog, "$identify", 2)

    one, two = first["properties"], second["properties"]
    assert one["distinct_id"] == two["distinct_id"] == kept
    assert one["$device_id"] != two["$device_id"]
    assert one["$session_id"] != two["$session_id"]
    assert two["$anon_distinct_id"] == two["$device_id"]


@pytest.mark.parametrize(
    "env", [{"VITE_POSTHOG_PUBLIC_KEY": ""}, {"DO_NOT_TRACK": "1"}, {"OS2_TELEMETRY": "off"}]
)
def test_nothing_is_loaded_without_consent(
    chromium: Chromium, counted: Os2, posthog: PostHogServer, env: dict[str, str]
) -> None:
    quiet = with_settings(counted, **env)
    with serving(quiet) as site, opened(chromium, site) as (page, asked):
        page.wait_for_load_state("networkidle")
        assert page.locator("script[src*=analytics], meta[name=os2-analytics]").count() == 0
        assert page.evaluate("typeof window.posthog") == "undefined"

    assert [url for url in asked if "ingest" in url or "analytics" in url] == []
    assert posthog.requests == []


@pytest.mark.parametrize("wish", ["doNotTrack: '1'", "globalPrivacyControl: true"])
def test_a_browser_that_asks_for_it_is_not_tracked(
    chromium: Chromium, counted: Os2, posthog: PostHogServer, wish: str
) -> None:
    name, _, value = wish.partition(": ")
    with serving(counted) as site, chromium.tab() as tab:
        tab.page.add_init_script(
            f"Object.defineProperty(Navigator.prototype, '{name}', {{ get: () => {value} }})"
        )
        tab.page.goto(site.way_in())
        tab.page.wait_for_load_state("networkidle")
        assert tab.page.evaluate("typeof window.posthog") == "undefined"

    assert posthog.requests == []


@pytest.mark.parametrize("behaviour", ["hang", "refuse", "fail", "flood"])
def test_a_broken_posthog_does_not_affect_the_page(
    chromium: Chromium, counted: Os2, behaviour: str
) -> None:
    with (
        PostHogServer(SCRIPTS, behaviour) as ill,
        serving(with_settings(counted, POSTHOG_HOST=ill.url)) as site,
        chromium.tab() as tab,
    ):
        tab.page.goto(site.way_in())
        until(lambda: ill.requests, SECONDS)
        for title, path in (
            ("Snapshots", "/snapshots"),
            ("Activity", "/jobs"),
            ("Doctor", "/doctor"),
        ):
            tab.page.get_by_role("navigation", name="Main").get_by_role("link", name=title).click()
            expect(tab.page).to_have_url(re.compile(f"{path}$"), timeout=5_000)
        expect(tab.page.get_by_role("heading", level=1)).to_be_visible()
        told = [text for text in tab.complaints if "/ingest/" not in text]

    assert told == []
