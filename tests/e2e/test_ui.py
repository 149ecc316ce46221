"""The page as people use it: real Chromium, a real engine, the Daytona test server."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import docker
import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.command import Os2
from tests.daytona_server import DaytonaServer, Timing
from tests.e2e.chromium import Chromium, Tab, chromium
from tests.engine import engine_endpoint, sandbox_image
from tests.polling import until
from tests.ui_site import Site, serving

__all__ = ["chromium"]  # a fixture

pytestmark = pytest.mark.engine

ENTRYPOINT = ["sh", "/opt/os2/bin/start-machine"]
SECRET = "canary-value-4711"
UP_SECONDS = 90_000


@pytest.fixture
def site(os2: Os2) -> Iterator[Site]:
    with serving(os2) as site:
        yield site


@pytest.fixture
def tab(chromium: Chromium, site: Site) -> Iterator[Tab]:
    """A tab on the page, which nothing may go wrong in."""
    with opened(chromium, site) as tab:
        yield tab


@contextmanager
def opened(chromium: Chromium, site: Site, size: tuple[int, int] | None = None) -> Iterator[Tab]:
    with chromium.tab(*([size] if size else [])) as tab:
        tab.page.goto(site.url)
        assert "token" not in tab.page.url
        yield tab
        assert tab.complaints == []
        assert tab.violations() == []


@pytest.fixture
def name() -> str:
    return f"ui-{uuid.uuid4().hex[:6]}"


def row(page: Page, name: str):  # type: ignore[no-untyped-def]
    """The row of a machine."""
    return page.locator("#machines tr", has=page.get_by_role("link", name=name, exact=True))


def create(page: Page, name: str, type_: str = "local-docker") -> None:
    """Fill in the form and send it."""
    page.goto("/".join([*page.url.split("/")[:3], "machines/new"]))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Type").select_option(type_)
    page.get_by_label("Name of a variable").fill("KEY_HERE")
    page.get_by_label("Its value").fill(SECRET)
    expect(page.locator("#material .material-name")).to_be_visible()
    page.get_by_role("button", name="Create machine").click()
    expect(page.locator("#job")).to_have_attribute("data-state", "done", timeout=UP_SECONDS)
    assert SECRET not in page.content()


def remove(page: Page, name: str) -> None:
    """Delete a machine from the list, after the question."""
    row(page, name).get_by_title("More").click()
    row(page, name).get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Delete {name}?")
    dialog.get_by_role("button", name="Delete").click()
    expect(row(page, name)).to_have_count(0, timeout=30_000)


def test_a_machine_on_this_host(tab: Tab, site: Site, name: str, os2: Os2) -> None:
    page = tab.page
    expect(page.get_by_role("heading", name="Machines", exact=True)).to_be_visible()
    create(page, name)
    expect(page.locator("[data-job-result]")).to_contain_text(f"{name} is up")
    expect(page.locator("[data-phases]")).to_contain_text("healthy")

    # Its own page, in another tab, without a way back into ours
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

    # Its log, as it is written
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


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    """Daytona, whose sandboxes are containers."""
    timing = Timing(build=0, pull=0, boot=0, create_block=0.3)
    with DaytonaServer(engine_endpoint().url, timing=timing) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def cloud(os2: Os2, daytona: DaytonaServer, stage: str) -> Os2:
    snapshot = f"{stage}--20260111-193045"
    daytona.add_snapshot(snapshot, image=sandbox_image(), entrypoint=ENTRYPOINT)
    keys = {"DAYTONA_API_URL": daytona.url, "DAYTONA_API_KEY": daytona.api_key}
    return replace(os2, env={**os2.env, **keys})


def test_a_machine_on_daytona(chromium: Chromium, cloud: Os2, stage: str, name: str) -> None:
    with serving(cloud) as site, opened(chromium, site) as tab:
        page = tab.page
        page.get_by_role("link", name="New machine").first.click()
        page.get_by_label("Type").select_option("daytona")
        expect(page.locator("#material")).to_contain_text(f"{stage}--20260111-193045")
        expect(page.locator("#material")).to_contain_text("newest active snapshot")
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
    tab: Tab, os2: Os2, engine: docker.APIClient, image_tag: str, name: str
) -> None:
    """A build that waits for ever, and the machine that was to be made from it."""
    dockerfile = os2.folder / "sandbox" / "Dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.write_text(f"FROM {sandbox_image()}\nRUN echo begun && sleep 1000\n")
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
    delete = page.get_by_role("link", name="Delete…")
    delete.focus()
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(delete).to_be_focused()
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("New machine")


# What a person reads has to stand out from what is behind it: 4.5 to 1, as WCAG wants it (AA).
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => {
      const x = c / 255;
      return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words || !element.checkVisibility() || element.closest(":disabled, .sr")) continue;
    const ground = behind(element);
    const [a, b] = [light(over(rgba(getComputedStyle(element).color), ground)), light(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([ratio.toFixed(2), element.className, element.textContent.trim()]);
  }
  return poor;
}"""
# What a control is called by those who do not see it, and ids that are there twice.
NAMELESS = """() => {
  const controls = "a, button, input:not([type=hidden]), select, summary, textarea";
  const nameless = [...document.querySelectorAll(controls)].filter((e) => e.checkVisibility() && !(e.textContent.trim() || e.labels?.length
      || e.getAttribute("aria-label") || e.title)).map((e) => e.outerHTML);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  return [...nameless, ...ids.filter((id, at) => ids.indexOf(id) !== at)];
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_can_be_read(
    chromium: Chromium, cloud: Os2, size: tuple[int, int], name: str, *, dark: bool
) -> None:
    """Contrast, names for controls, no way to scroll sideways, and nothing that jumps."""
    long = f"{name}-with-a-name-that-is-as-long-as-names-may-be-in-os2"
    made = cloud("machine", "create", long, "--no-wait", "--label", "team=one")
    assert made.status == 0, made.stderr
    with serving(cloud) as site, chromium.tab(size, dark=dark) as tab:
        page = tab.page
        page.goto(site.url)
        machine = f"/machines/local-docker/{long}"
        paths = ["/machines", "/machines/new", "/machines/new?type=daytona", machine,
                 f"{machine}/rm", "/snapshots?all", "/snapshots/publish", "/doctor", "/jobs"]  # fmt: skip
        for path in paths:
            page.goto(site.origin + path)
            page.wait_for_load_state("networkidle") if path == "/doctor" else None
            expect(page.locator(".skeleton")).to_have_count(0, timeout=20_000)
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate(NAMELESS) == [], path
            sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(sideways), path
            assert sum(value for value, _ in tab.shifts()) < 0.01, (path, tab.shifts())
        assert tab.complaints == []
        assert tab.violations() == []


def test_the_colours_are_a_choice_that_lasts(tab: Tab) -> None:
    page = tab.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as the system").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Colours: dark").click()
    assert page.evaluate(ground) == light


def test_the_basics_work_without_scripts(
    chromium: Chromium, site: Site, os2: Os2, name: str
) -> None:
    with chromium.tab(script=False) as tab:
        page = tab.page
        page.goto(site.url)
        page.get_by_role("link", name="New machine").first.click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Create machine").click()
        page.wait_for_url("**/jobs/*")
        until(lambda: page.reload() and "is up" in page.content(), 60)
        page.goto(f"{site.origin}/machines/local-docker/{name}")
        page.get_by_role("link", name="Delete…").click()
        page.get_by_role("button", name="Delete").click()
        until(lambda: page.reload() and "is removed" in page.content(), 60)
    assert os2("machine", "show", name).status == 3


def test_variables_are_pasted_and_a_mistake_keeps_what_was_typed(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("link", name="New machine").first.click()
    page.get_by_role("button", name="Paste .env").click()
    page.get_by_label("Lines of KEY=VALUE").fill(
        f"# a comment\nexport ONE='{SECRET}'\nTWO=2 # two\n\nnonsense\n"
    )
    page.get_by_role("button", name="Take them").click()
    names = page.get_by_label("Name of a variable")
    assert [names.nth(at).input_value() for at in range(names.count())] == ["ONE", "TWO"]
    values = page.get_by_label("Its value")
    assert [values.nth(at).input_value() for at in range(2)] == [SECRET, "2"]
    assert values.first.get_attribute("type") == "password"
    page.get_by_text("Show values").click()
    assert values.first.get_attribute("type") == "text"

    page.get_by_label("Port").fill("70000")
    page.get_by_role("button", name="Create machine").click()
    expect(page.get_by_role("alert").filter(has_text="70000")).to_be_visible()
    expect(page.get_by_label("Port")).to_be_focused()
    assert values.first.input_value() == SECRET
    # The refusal itself is in the browser's own words.
    tab.complaints[:] = [c for c in tab.complaints if "422" not in c]
