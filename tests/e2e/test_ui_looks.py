"""The look and use of the web UI: contrast, widths, colours, no scripts, forms."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.command import Os2
from tests.e2e.chromium import NARROW, WIDE, Chromium, Tab
from tests.e2e.on_the_page import SECRET, cloud, daytona, name, site, tab
from tests.polling import until
from tests.ui_site import Site, serving

__all__ = ["cloud", "daytona", "name", "site", "tab"]  # fixtures

pytestmark = pytest.mark.engine

# Text needs a contrast of 4.5 to 1 to its background (WCAG AA).
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
PATHS = ("/machines", "/machines/new", "/machines/new?type=daytona", "/snapshots?all",
         "/snapshots/publish", "/doctor", "/jobs")  # fmt: skip
# Accessible names of controls, and duplicate IDs.
NAMELESS = """() => {
  const controls = "a, button, input:not([type=hidden]), select, summary, textarea";
  const nameless = [...document.querySelectorAll(controls)].filter((e) => {
    const name = e.textContent.trim() || e.labels?.length || e.getAttribute("aria-label");
    return e.checkVisibility() && !(name || e.title);
  }).map((e) => e.outerHTML);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  return [...nameless, ...ids.filter((id, at) => ids.indexOf(id) !== at)];
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_is_readable(
    chromium: Chromium, cloud: Os2, size: tuple[int, int], name: str, *, dark: bool
) -> None:
    """Contrast, names for controls, no horizontal scrolling, and no layout shifts."""
    long = f"{name}-with-a-name-that-is-as-long-as-names-may-be-in-os2"
    made = cloud("machine", "create", long, "--no-wait", "--label", "team=one")
    assert made.status == 0, made.stderr
    with serving(cloud) as site, chromium.tab(size, dark=dark) as tab:
        page = tab.page
        page.goto(site.way_in())
        machine = f"/machines/local-docker/{long}"
        for path in (*PATHS, machine, f"{machine}/rm"):
            page.goto(site.home + path)
            expect(page.locator(".skeleton")).to_have_count(0, timeout=20_000)
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate(NAMELESS) == [], path
            sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(sideways), path
            assert sum(value for value, _ in tab.shifts()) < 0.01, (path, tab.shifts())
        assert tab.complaints == []
        assert tab.violations() == []


def test_the_choice_of_colours_is_kept(tab: Tab) -> None:
    page = tab.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Colours: system").click()
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
        page.goto(site.way_in())
        page.get_by_role("link", name="New machine").first.click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Create machine").click()
        page.wait_for_url("**/jobs/*")
        until(lambda: page.reload() and "is running" in page.content(), 60)
        page.goto(f"{site.home}/machines/local-docker/{name}")
        page.get_by_role("link", name="Remove…").click()
        page.get_by_role("button", name="Remove").click()
        page.wait_for_url("**/jobs/*")
        until(lambda: page.reload() and f"Removed {name}" in page.content(), 60)
    assert os2("machine", "show", name).status == 3


def test_variables_are_pasted_and_a_mistake_keeps_what_was_typed(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("link", name="New machine").first.click()
    expect(page.locator("#source .source-name")).to_be_visible()
    page.get_by_role("button", name="Paste .env").click()
    page.get_by_label("Lines of KEY=VALUE").fill(
        f"# a comment\nexport ONE='{SECRET}'\nTWO=2 # two\n\nnonsense\n"
    )
    page.get_by_role("button", name="Add variables").click()
    names = page.get_by_label("Variable name")
    assert [names.nth(at).input_value() for at in range(names.count())] == ["ONE", "TWO"]
    values = page.get_by_label("Value", exact=True)
    assert [values.nth(at).input_value() for at in range(2)] == [SECRET, "2"]
    assert values.first.get_attribute("type") == "password"
    page.get_by_text("Show values").click()
    assert values.first.get_attribute("type") == "text"

    page.get_by_label("Port").fill("70000")
    page.get_by_role("button", name="Create machine").click()
    expect(page.get_by_role("alert").filter(has_text="70000")).to_be_visible()
    expect(page.get_by_label("Port")).to_be_focused()
    assert values.first.input_value() == SECRET
    # The browser words the rejection itself.
    tab.complaints[:] = [c for c in tab.complaints if "422" not in c]
