"""A real Chromium in a container on this host's network, driven by its protocol."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker
import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.engine import browser_image, engine_endpoint
from tests.polling import until

LABELS = {"os2-test": "1"}
START_SECONDS = 60
# Other suites may run at the same time.
WAIT_MILLISECONDS = 20_000
expect.set_options(timeout=WAIT_MILLISECONDS)
WIDE, NARROW = (1280, 800), (390, 844)
# From Debian, or from npm without a Debian package; as in sandbox/test/browser/browser.ts.
_RUN = """
chromium="$(command -v chromium || node --input-type=module -e '
import packaged from "@sparticuz/chromium"; console.log(await packaged.executablePath())')"
exec "$chromium" --headless=new --no-sandbox --disable-gpu --no-first-run --disable-sync \
    --disable-background-networking --disable-component-update --hide-scrollbars \
    --user-data-dir=/tmp/chromium --remote-debugging-address=127.0.0.1 \
    --remote-debugging-port="$1" about:blank
"""
# Another container that starts changes this host's interfaces, and Chromium then fails its requests
# (ERR_NETWORK_CHANGED). Without such notifications it assumes that the network does not change.
_AF_NETLINK = 16
_NO_NETLINK = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [
        {
            "names": ["socket"],
            "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 0, "value": _AF_NETLINK, "op": "SCMP_CMP_EQ"}],
        }
    ],
}
# Layout shifts without user input, summed up as browsers do.
_SHIFTS = """
window.os2Shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) {
      const name = (node) => node && (node.id || node.className || node.nodeName);
      const moved = entry.sources.map((source) => name(source.node));
      window.os2Shifts.push([entry.value, moved.join(" ")]);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
window.os2Violations = [];
document.addEventListener("securitypolicyviolation", (e) => {
  window.os2Violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`);
});
"""


@dataclass
class Tab:
    """A page and all errors on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def shifts(self) -> list[Any]:
        """The layout shifts and their size."""
        return list(self.page.evaluate("window.os2Shifts"))

    def violations(self) -> list[str]:
        """The violations of the Content-Security-Policy."""
        return list(self.page.evaluate("window.os2Violations"))


@dataclass(frozen=True)
class Chromium:
    """A browser to open tabs in, each with its own profile."""

    browser: Browser

    @contextmanager
    def tab(
        self,
        size: tuple[int, int] = WIDE,
        *,
        dark: bool = False,
        script: bool = True,
        scale: float = 1,
    ) -> Iterator[Tab]:
        """Open a tab in a window of that size."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
            device_scale_factor=scale,
        )
        context.set_default_timeout(WAIT_MILLISECONDS)
        if script:
            context.add_init_script(_SHIFTS)
        tab = Tab(context.new_page())
        tab.page.on("console", tab.heard)
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        try:
            yield tab
        finally:
            context.close()


@contextmanager
def running_chromium() -> Iterator[Chromium]:
    """Start the browser, and stop it at the end."""
    engine = docker.APIClient(base_url=engine_endpoint().url, version="auto")
    port = _free_port()
    container = engine.create_container(
        browser_image(),
        ["-c", _RUN, "sh", str(port)],
        entrypoint=["sh"],
        labels=LABELS,
        # Chromium renders in shared memory, of which containers have little.
        host_config=engine.create_host_config(
            network_mode="host",
            shm_size="512m",
            init=True,
            security_opt=[f"seccomp={json.dumps(_NO_NETLINK)}"],
        ),
    )["Id"]
    try:
        engine.start(container)
        address = f"http://127.0.0.1:{port}"
        until(lambda: _answers(address), START_SECONDS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(address)
            with closing(browser):
                yield Chromium(browser)
    finally:
        engine.remove_container(container, force=True, v=True)
        engine.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """One browser for the tests of a file."""
    with running_chromium() as browser:
        yield browser


def _answers(address: str) -> bool:
    try:
        answer = httpx.get(f"{address}/json/version", trust_env=False, timeout=2)
        return "webSocketDebuggerUrl" in json.loads(answer.text)
    except (httpx.HTTPError, ValueError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
