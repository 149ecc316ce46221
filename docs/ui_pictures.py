"""The pictures of `os2 ui`: a real Chromium, a real engine, and Daytona as the tests play it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.daytona_server import DaytonaServer, Timing
from tests.e2e.chromium import NARROW, Chromium, running_chromium

WIDE = (1280, 760)
STAGE = "dev-jonas"
ENTRYPOINT = ["sh", "/opt/os2/bin/start-machine"]
UP_SECONDS = 120_000
ENGINE = "unix:///var/run/docker.sock"
# The machines that the list shows, and their types.
MACHINES = {"checkout-flow": "local-docker", "docs": "local-docker", "reviews": "daytona"}


def ui(root: Path, environment: Mapping[str, str], image: str, browser: str) -> dict[str, bytes]:
    """Take the list, a new machine, and a machine on a phone; leave no machine."""
    os.environ |= {"OS2_TEST_BROWSER": browser, "DOCKER_HOST": ENGINE}
    published = datetime.now(UTC) - timedelta(hours=3)
    timing = Timing(build=0, pull=0, boot=0, create_block=0.3)
    with DaytonaServer(ENGINE, timing=timing) as daytona, running_chromium() as chromium:
        daytona.add_snapshot(
            f"{STAGE}--{published:%Y%m%d-%H%M%S}",
            image=image,
            entrypoint=ENTRYPOINT,
            created=published,
        )
        login = {"DAYTONA_API_URL": daytona.url, "DAYTONA_API_KEY": daytona.api_key}
        command = [str(root / "bin/os2"), "ui", "--no-open"]
        server = subprocess.Popen(
            command, env={**environment, **login}, cwd=root, stdout=subprocess.PIPE, text=True
        )
        try:
            url = server.stdout.readline() if server.stdout else ""
            return _pictures(chromium, url.strip())
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def _pictures(chromium: Chromium, url: str) -> dict[str, bytes]:
    origin = url.partition("/?")[0]
    with chromium.tab(WIDE, scale=2) as tab:
        page = tab.page
        page.goto(url)
        for name, type_ in MACHINES.items():
            created = _create(page, origin, name, type_)
        page.goto(f"{origin}/machines")
        _stop(page, "docs")
        listed = page.screenshot()
    with chromium.tab(NARROW, dark=True, scale=2) as tab:
        page = tab.page
        page.goto(url)
        page.goto(f"{origin}/machines/local-docker/checkout-flow")
        expect(page.locator("#log-lines > div").first).to_be_visible()
        narrow = page.screenshot()
        for name in MACHINES:
            _remove(page, origin, name)
    return {"ui": listed, "ui-create": created, "ui-narrow": narrow}


def _create(page: Page, origin: str, name: str, type_: str) -> bytes:
    page.goto(f"{origin}/machines/new?type={type_}")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Variable name").fill("GH_TOKEN")
    page.get_by_label("Value", exact=True).fill("ghp_of_nobody")
    expect(page.locator("#material .material-name")).to_be_visible()
    form = page.screenshot()
    page.get_by_role("button", name="Create machine").click()
    job = page.locator("#job")
    expect(job).to_have_attribute("data-state", "done", timeout=UP_SECONDS)
    return form


def _row(page: Page, name: str) -> Locator:
    link = page.get_by_role("link", name=name, exact=True)
    return page.locator("#machines tr", has=link)


def _stop(page: Page, name: str) -> None:
    row = _row(page, name)
    row.get_by_title("More").click()
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Stopped", timeout=UP_SECONDS)
    for other in MACHINES.keys() - {name}:
        expect(_row(page, other)).to_contain_text("healthy")
    page.locator(".toast button").first.click()


def _remove(page: Page, origin: str, name: str) -> None:
    page.goto(f"{origin}/machines")
    row = _row(page, name)
    row.get_by_title("More").click()
    row.get_by_role("link", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0, timeout=UP_SECONDS)
