"""A terminal in the web UI: a real browser, a real shell in a real machine."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.command import Os2
from tests.e2e.chromium import NARROW, WIDE, Chromium, chromium
from tests.polling import until
from tests.ui_site import Site, serving

__all__ = ["chromium"]  # a fixture

pytestmark = pytest.mark.engine

ROWS = "#terminal .xterm-rows"
SECONDS = 20


@pytest.fixture(params=["local-docker", "local-process"])
def machine(request: pytest.FixtureRequest, os2: Os2) -> str:
    """Return the path of its page."""
    return made(os2, request.param)


def made(os2: Os2, type_: str = "local-docker") -> str:
    name = f"term-{uuid.uuid4().hex[:6]}"
    done = os2("machine", "create", name, "--type", type_)
    assert done.status == 0, done.stderr
    return f"/machines/{type_}/{name}"


@pytest.fixture
def site(os2: Os2) -> Iterator[Site]:
    with serving(os2) as site:
        yield site


@contextmanager
def opened(
    chromium: Chromium,
    site: Site,
    machine: str,
    size: tuple[int, int] = WIDE,
    *,
    dark: bool = False,
) -> Iterator[Page]:
    """Its terminal, without errors."""
    with chromium.tab(size, dark=dark) as tab:
        tab.page.goto(site.way_in())
        tab.page.goto(f"{site.home}{machine}/terminal")
        yield tab.page
        assert tab.complaints == []
        assert tab.violations() == []


def connected(page: Page) -> None:
    expect(page.locator("#terminal-state")).to_have_text("Connected")
    # The shell has printed its prompt: it reads.
    expect(page.locator(ROWS)).to_contain_text(re.compile(r"[$#]"))


def run(page: Page, command: str, answer: str | re.Pattern[str]) -> str:
    page.keyboard.type(f"{command}\n")
    expect(page.locator(ROWS)).to_contain_text(answer)
    return page.locator(ROWS).inner_text()


def columns(page: Page) -> int:
    """Return the width of the terminal in the shell."""
    mark = f"w{uuid.uuid4().hex[:4]}"
    size = re.compile(rf"{mark}=\d+ (\d+)")
    shown = run(page, f"echo {mark}=$(stty size)", size)
    return int(size.findall(shown)[-1])


def processes(os2: Os2, machine: str, pattern: str) -> list[str]:
    """Return the processes in the machine whose command line contains it."""
    script = 'for f in /proc/[0-9]*/cmdline; do tr "\\0" " " <$f 2>/dev/null; echo; done'
    command = ("machine", "exec", machine.rpartition("/")[2], "--", "sh", "-c", script)
    return [line for line in os2(*command).stdout.splitlines() if line.startswith(pattern)]


def test_what_is_typed_runs_in_the_machine(
    chromium: Chromium, site: Site, machine: str, os2: Os2
) -> None:
    with opened(chromium, site, machine) as page:
        connected(page)
        run(page, "echo $((6*7))", "42")
        assert columns(page) > 100

        page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        until(lambda: columns(page) < 60, SECONDS)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]

        page.keyboard.type("exit 3\n")
        expect(page.locator("#terminal-state")).to_have_text("The shell exited with code 3.")
        again = page.get_by_role("button", name="Reconnect")
        expect(again).to_be_focused()
        again.press("Enter")
        connected(page)
        run(page, "echo $((40+3))", "43")


def test_closing_the_tab_ends_what_runs_in_it(
    chromium: Chromium, site: Site, machine: str, os2: Os2
) -> None:
    mark = f"sleep {uuid.uuid4().int % 10**7 + 10**7}"
    with opened(chromium, site, machine) as page:
        connected(page)
        page.keyboard.type(f"{mark}\n")
        until(lambda: processes(os2, machine, mark), SECONDS)

    until(lambda: not processes(os2, machine, mark), SECONDS)


def test_the_end_of_the_server_ends_what_runs_in_it(chromium: Chromium, os2: Os2) -> None:
    machine = made(os2)
    mark = f"sleep {uuid.uuid4().int % 10**7 + 10**7}"
    with serving(os2) as site, chromium.tab() as tab:
        tab.page.goto(site.way_in())
        tab.page.goto(f"{site.home}{machine}/terminal")
        connected(tab.page)
        tab.page.keyboard.type(f"{mark}\n")
        until(lambda: processes(os2, machine, mark), SECONDS)
        assert site.end()[0] == 130
        expect(tab.page.locator("#terminal-state")).to_have_text("Connection lost.")

    until(lambda: not processes(os2, machine, mark), SECONDS)


def test_the_keyboard_gets_out_again_and_colours_are_the_page_s(
    chromium: Chromium, site: Site, os2: Os2
) -> None:
    machine = made(os2)
    grounds = []
    for dark in (False, True):
        with opened(chromium, site, machine, dark=dark) as page:
            connected(page)
            shown = (
                "getComputedStyle(document.querySelector('#terminal .xterm-scrollable-element'))"
            )
            grounds.append(page.evaluate(f"{shown}.backgroundColor"))
            page.keyboard.type("printf '\\033[38;2;10;120;200mblue\\033[0m\\n'\n")
            word = page.locator(f"{ROWS} span", has_text=re.compile("^blue$"))
            colour = word.evaluate("each => getComputedStyle(each).color")
            red, _, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
            assert blue > red + 50
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.closest('#terminal') !== null")
            page.keyboard.press("F6")
            expect(page.locator("#terminal-leave")).to_be_focused()
    light, night = ([int(part) for part in re.findall(r"\d+", each)[:3]] for each in grounds)
    assert sum(light) > 600
    assert sum(night) < 150


def test_much_output_does_not_block_the_page(chromium: Chromium, site: Site, os2: Os2) -> None:
    with opened(chromium, site, made(os2)) as page:
        connected(page)
        page.keyboard.type("yes | head -c 8000000; echo its$((1+1))end\n")
        page.keyboard.press("F6")
        expect(page.locator("#terminal-leave")).to_be_focused()
        expect(page.locator(ROWS)).to_contain_text("its2end", timeout=120_000)


def test_a_stopped_machine_is_reported_with_a_hint(
    chromium: Chromium, site: Site, os2: Os2
) -> None:
    machine = made(os2)
    name = machine.rpartition("/")[2]
    assert os2("machine", "stop", name).status == 0
    with opened(chromium, site, machine) as page:
        expect(page.locator("#terminal-state")).to_contain_text(f"machine {name} is stopped")
        expect(page.locator("#terminal-hint")).to_have_text(f"start it: os2 machine start {name}")
        assert os2("machine", "start", name).status == 0
        page.get_by_role("button", name="Reconnect").click()
        connected(page)
