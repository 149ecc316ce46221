"""The daemon: its page, its API, and what they do not reveal."""

from __future__ import annotations

import http.client
import re
from html.parser import HTMLParser

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import Sandbox, eventually

pytestmark = pytest.mark.engine

B = "example-service-b-depends-on-a"
SERVICES = ["example-service-a", B, "iterate-server"]
CANARY = "canary-0123456789"
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
API = ["/api/health", "/api/info", "/api/services", *(f"/api/services/{s}/logs" for s in SERVICES)]


class Links(HTMLParser):
    """The URLs that a page loads, and its inline scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.assets: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("src") or (given.get("href") if tag == "link" else None)
        if address:
            self.assets.add(address)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


@pytest.fixture(scope="module")
def sandbox(run_shared_sandbox: RunSandbox) -> Sandbox:
    environment = {
        "GITHUB_TOKEN": f"{CANARY}-token",
        "ANTHROPIC_API_KEY": f"{CANARY}-key",
        "MY_HOUSE": f"{CANARY}-house",
        "DATABASE_URL": f"postgres://me:{CANARY}-database@db/main",
        "OS2_MACHINE_NAME": "dev-me-first",
    }
    sandbox = run_shared_sandbox(environment=environment)
    return sandbox.wait_until_ready(*SERVICES)


@pytest.fixture(scope="module")
def page(sandbox: Sandbox) -> Links:
    links = Links()
    links.feed(sandbox.get("/").text)
    return links


def raw(sandbox: Sandbox, target: str) -> tuple[int, str]:
    """Send a raw request that no client library would send."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    try:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_daemon_is_healthy_from_inside_and_from_the_host(sandbox: Sandbox) -> None:
    inside = sandbox.output("curl", "-fsS", "http://127.0.0.1:3000/api/health")

    assert '"status":"ok"' in inside
    assert '"status":"ok"' in sandbox.get("/api/health").text


def test_the_page_is_html_that_loads_its_assets(sandbox: Sandbox, page: Links) -> None:
    answer = sandbox.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    assert {name.rpartition(".")[2] for name in page.assets} == set(TYPES)
    for name in page.assets:
        asset = sandbox.get(name)
        assert asset.status_code == 200
        assert asset.headers["content-type"].startswith(TYPES[name.rpartition(".")[2]])
        assert asset.content


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(page: Links) -> None:
    assert [name for name in page.assets if not re.fullmatch(r"/[\w.-]+", name)] == []
    assert page.inline == []


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/api/services", "/nothing"])
def test_responses_have_security_headers(sandbox: Sandbox, path: str) -> None:
    headers = sandbox.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_services_are_listed_with_their_state(sandbox: Sandbox) -> None:
    services = {one["name"]: one for one in sandbox.json("/api/services")["services"]}

    assert list(services) == SERVICES
    assert {(one["state"], one["health"]) for one in services.values()} == {("ready", "ok")}
    assert [one["port"] for one in services.values()] == [3001, 3002, 3000]
    assert services[B]["pid"] == sandbox.pid(B)


def test_the_machine_is_described_with_its_tools(sandbox: Sandbox) -> None:
    info = sandbox.json("/api/info")

    assert info["name"] == "dev-me-first"
    tools = {tool["name"]: tool["version"] for tool in info["tools"]}
    assert tools["node"] == sandbox.output("node", "--version").removeprefix("v")
    assert {"npm", "pnpm", "tsx", "git", "gh", "claude", "opencode", "tmux"} <= set(tools)


def test_a_log_is_served_by_its_last_lines(sandbox: Sandbox) -> None:
    log = sandbox.json(f"/api/services/{B}/logs?lines=1")

    assert log["file"] == "/var/log/example-service-b/current"
    assert log["lines"] == sandbox.read(log["file"]).splitlines()[-1:]


@pytest.mark.parametrize("lines", ["0", "-1", "2001", "all", "1e9", ""])
def test_an_invalid_number_of_lines_is_rejected(sandbox: Sandbox, lines: str) -> None:
    assert sandbox.get(f"/api/services/{B}/logs?lines={lines}").status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/api/services", f"/api/services/{B}/logs"])
def test_nothing_can_be_changed(sandbox: Sandbox, method: str, path: str) -> None:
    answer = sandbox.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "target",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/..\\..\\etc\\passwd",
        "/page.css/../../main.ts",
        "/./../main.ts",
        "//etc/passwd",
        "/etc/passwd%00.css",
        "/api/services/..%2f..%2fetc/logs",
        "/api/services/../logs",
        "/api/services/%2e%2e/logs",
        "/api/services/.s6-svscan/logs",
        f"/api/services/{B}%2flog/logs",
        f"/api/services/x/../../{B}/logs",
        "/api/services//logs",
        "/api/services/nothing/logs",
    ],
)
def test_paths_can_not_escape(sandbox: Sandbox, target: str) -> None:
    status, text = raw(sandbox, target)

    assert status == 404
    assert text == '{"error":"not found"}\n' or text == '{"error":"no such service"}\n'


@pytest.mark.parametrize("target", ["//", "*", "http://", "/%", "/api/services/%/logs"])
def test_a_malformed_url_is_a_bad_request(sandbox: Sandbox, target: str) -> None:
    status, _ = raw(sandbox, target)

    assert status in (400, 404)


def test_the_environment_is_never_served(sandbox: Sandbox, page: Links) -> None:
    pipe = f"/proc/{sandbox.pid(B)}/fd/1"
    sandbox.shell(f'echo "asked with $GITHUB_TOKEN, $ANTHROPIC_API_KEY, $DATABASE_URL" > {pipe}')
    log = f"/api/services/{B}/logs"
    eventually(lambda: "asked with" in sandbox.get(log).text, "the line is in the log")

    answers = {path: sandbox.get(path).text for path in [*API, "/", *page.assets]}

    assert [path for path, text in answers.items() if CANARY in text] == []
    assert "asked with ***, ***, postgres://***@db/main" in answers[log]
    assert CANARY not in sandbox.logs()
