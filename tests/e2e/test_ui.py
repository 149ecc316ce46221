"""The web UI as users use it: real Chromium, a real engine, the Daytona test server."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.command import Os2
from tests.e2e.chromium import Chromium, Tab
from tests.e2e.on_the_page import SECRET, cloud, daytona, name, opened, site, tab
from tests.engine import sandbox_image
from tests.polling import until
from tests.ui_site import Site, serving

__all__ = ["cloud", "daytona", "name", "site", "tab"]  # fixtures

pytestmark = pytest.mark.engine

UP_SECONDS = 90_000


def row(page: Page, name: str):  # type: ignore[no-untyped-def]
    """Return the row of a machine."""
    return page.locator("#machines tr", has=page.get_by_role("link", name=name, exact=True))


def create(page: Page, name: str, type_: str = "local-docker") -> None:
    """Fill in the form and submit it."""
    page.goto("/".join([*page.url.split("/")[:4], "machines/new"]))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Type").select_option(type_)
    page.get_by_label("Variable name").fill("KEY_HERE")
    page.get_by_label("Value", exact=True).fill(SECRET)
    expect(page.locator("#source .source-name")).to_be_visible()
    page.get_by_role("button", name="Create machine").click()
    expect(page.locator("#job")).to_have_attribute("data-state", "done", timeout=UP_SECONDS)
    assert SECRET not in page.content()


def remove(page: Page, name: str) -> None:
    """Remove a machine from the list and confirm."""
    # Before its script runs, the page asks on another one.
    page.wait_for_load_state()
    row(page, name).get_by_title("More").click()
    row(page, name).get_by_role("link", name="Remove…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Remove {name}?")
    dialog.get_by_role("button", name="Remove").click()
    expect(row(page, name)).to_have_count(0, timeout=30_000)


def test_a_machine_on_this_host(tab: Tab, site: Site, name: str, os2: Os2) -> None:
    page = tab.page
    expect(page.get_by_role("heading", name="Machines", exact=True)).to_be_visible()
    create(page, name)
    expect(page.locator("[data-job-result]")).to_contain_text(f"{name} is running")
    expect(page.locator("[data-phases]")).to_contain_text("healthy")

    # Its own page, in another tab, without access to ours
    with page.context.expect_page() as popup:
        page.get_by_role("link", name=f"Open {name}").click()
    own = popup.value
    own.wait_for_load_state()
    assert httpx.get(f"{own.url}api/health", trust_env=False).json()["status"] == "ok"
    assert own.evaluate("window.opener") is None
    own.close()
    assert (
        os2("machine", "exec", name, "--", "sh", "-c", 'echo "$KEY_HERE"').stdout.strip() == SECRET
    )

    # Its log, live
    page.get_by_role("link", name=f"Show {name}").click()
    page.get_by_label("Service").fill("iterate-server")
    page.get_by_label("Service").press("Enter")
    log = page.get_by_role("log")
    expect(log).to_contain_text("listening on port")
    more = "echo 2026-01-11 19:30:45.0 written just now >> /var/log/iterate-server/current"
    assert os2("machine", "exec", name, "--", "sh", "-c", more).status == 0
    expect(log).to_contain_text("written just now")

    # Stop and start
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#machine .lead")).to_contain_text("Stopped", timeout=40_000)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#machine .lead")).to_contain_text("healthy", timeout=40_000)
    followers = os2("machine", "exec", name, "--", "sh", "-c", "ps -eo args | grep -c '[t]ail -n'")
    assert followers.stdout.strip() == "0"

    page.get_by_role("link", name="Machines", exact=True).first.click()
    expect(row(page, name)).to_contain_text("healthy")
    remove(page, name)
    assert os2("machine", "show", name).status == 3
    assert tab.shifts() == []


def test_a_machine_on_daytona(chromium: Chromium, cloud: Os2, stage: str, name: str) -> None:
    with serving(cloud) as site, opened(chromium, site) as tab:
        page = tab.page
        page.get_by_role("link", name="New machine").first.click()
        page.get_by_label("Type").select_option("daytona")
        expect(page.locator("#source")).to_contain_text(f"{stage}--20260111-193045")
        expect(page.locator("#source")).to_contain_text("Newest active snapshot")
        expect(page.get_by_label("CPUs")).to_be_hidden()
        expect(page.get_by_label("Stop when idle")).to_be_visible()
        create(page, name, "daytona")

        with page.context.expect_page() as popup:
            page.get_by_role("link", name=f"Open {name}").click()
        own = popup.value
        own.wait_for_load_state()
        assert "<html" in own.content().lower()
        own.close()
        page.get_by_role("link", name=f"Show {name}").click()
        expect(page.get_by_role("log")).to_contain_text(re.compile(r"\w+"))
        expect(page.locator(".facts")).to_contain_text("private")
        assert "token" not in page.content()
        page.get_by_role("link", name="Machines", exact=True).first.click()
        remove(page, name)
    assert cloud("machine", "show", name, "--type", "daytona").status == 3


def test_what_is_cancelled_leaves_nothing_behind(
    chromium: Chromium, os2: Os2, image_tag: str
) -> None:
    """A build that never ends."""
    dockerfile = os2.folder / "sandbox" / "Dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.write_text(f"FROM {sandbox_image()}\nRUN echo begun && sleep 1000\n")
    # The other tests' image is of another repository, and not to be replaced.
    own = replace(os2, env={**os2.env, "LOCAL_DOCKER_IMAGE_NAME": image_tag})
    with serving(own) as site, opened(chromium, site) as tab:
        page = tab.page
        page.get_by_role("link", name="Snapshots").click()
        page.get_by_role("button", name="Build local image").first.click()
        expect(page.get_by_role("log")).to_contain_text("begun", timeout=60_000)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#job")).to_have_attribute("data-state", "cancelled", timeout=10_000)
    until(lambda: "sleep 1000" not in processes(), 20)


def processes() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_by_keyboard_alone(tab: Tab, name: str) -> None:
    page, keys = tab.page, tab.page.keyboard
    keys.press("n")
    page.wait_for_url("**/machines/new")
    page.get_by_label("Name", exact=True).focus()
    keys.type(name)
    keys.press("Enter")
    expect(page.locator("#job")).to_have_attribute("data-state", "done", timeout=UP_SECONDS)
    keys.press("g")
    keys.press("m")
    page.wait_for_url("**/machines")
    keys.press("/")
    keys.type(name)
    keys.press("ArrowDown")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    keys.press("Enter")
    page.wait_for_url(f"**/machines/local-docker/{name}")
    remove_link = page.get_by_role("link", name="Remove…")
    remove_link.focus()
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(remove_link).to_be_focused()
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("New machine")
