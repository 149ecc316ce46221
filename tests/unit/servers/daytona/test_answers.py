"""Both versions answer each request as the real API was seen to answer it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.daytona_server.versions import HOSTED, SOURCE
from tests.polling import until
from tests.unit.servers.daytona.calls import CLIENT_SECONDS, NO_CERTIFICATES, STAYS, build, state

FACTS = Path(__file__).parents[3] / "data" / "daytona-answers.toml"
CASES: list[dict[str, Any]] = tomllib.loads(FACTS.read_text())["case"]
UNKNOWN = "00000000-0000-4000-8000-000000000000"
Given = Callable[[DaytonaServer, httpx.Client], object]


def nothing(server: DaytonaServer, api: httpx.Client) -> None:
    """Have neither snapshots nor sandboxes."""
    del server, api


def snapshot(server: DaytonaServer, api: httpx.Client) -> None:
    del api
    server.add_snapshot("base")


def built(server: DaytonaServer, api: httpx.Client) -> None:
    api.post("/snapshots", json=build("FROM debian:13", "base"))
    until(lambda: state(api, "/snapshots/base") == "active")


def fetched(server: DaytonaServer, api: httpx.Client) -> None:
    api.post("/snapshots", json={"name": "base", "imageName": "debian:13"})
    until(lambda: state(api, "/snapshots/base") == "active")


def failed_build(server: DaytonaServer, api: httpx.Client) -> None:
    server.fail_next_build("exit code: 7")
    api.post("/snapshots", json=build("FROM debian:13", "base"))
    until(lambda: state(api, "/snapshots/base") == "error")


def building(server: DaytonaServer, api: httpx.Client) -> None:
    server.timing.build = STAYS
    api.post("/snapshots", json=build("FROM debian:13", "base"))
    until(lambda: state(api, "/snapshots/base") == "building")


def pending(server: DaytonaServer, api: httpx.Client) -> None:
    server.timing.pending = STAYS
    api.post("/snapshots", json=build("FROM debian:13", "base"))


def failing_start(server: DaytonaServer, api: httpx.Client) -> None:
    snapshot(server, api)
    server.fail_starts = 1


def sandbox_in(state: str) -> Given:
    def arrange(server: DaytonaServer, api: httpx.Client) -> None:
        snapshot(server, api)
        api.post("/sandbox", json={"name": "one", "snapshot": "base"})
        server.sandbox("one").state = state
        server.timing.boot = 0.05

    return arrange


def just_started(server: DaytonaServer, api: httpx.Client) -> None:
    sandbox_in("stopped")(server, api)
    api.post("/sandbox/one/start")


GIVEN: dict[str, Given] = {
    "nothing": nothing,
    "snapshot": snapshot,
    "built": built,
    "fetched": fetched,
    "failed build": failed_build,
    "building": building,
    "pending": pending,
    "failing start": failing_start,
    "started": sandbox_in("started"),
    "stopped": sandbox_in("stopped"),
    "stopping": sandbox_in("stopping"),
    "archived": sandbox_in("archived"),
    "failed": sandbox_in("error"),
    "just started": just_started,
}


def cases() -> Iterator[Any]:
    for case in CASES:
        for version in [case["version"]] if "version" in case else [SOURCE, HOSTED]:
            yield pytest.param(version, case, id=f"{version}-{case['title'].replace(' ', '-')}")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, DaytonaServer]]:
    """Return a server of each version."""
    with DaytonaServer(version=SOURCE) as source, DaytonaServer(version=HOSTED) as hosted:
        yield {SOURCE: source, HOSTED: hosted}


@pytest.mark.parametrize(("version", "case"), [*cases()])
def test_answer(servers: dict[str, DaytonaServer], version: str, case: dict[str, Any]) -> None:
    server = servers[version]
    clear(server)
    with client(server) as api:
        GIVEN[case.get("given", "nothing")](server, api)
        names = {
            "snapshot": next((record.id for record in server.snapshots), ""),
            "sandbox": next((record.id for record in server.sandboxes), ""),
            "unknown": UNKNOWN,
        }
        seen_before = len(server.violations)
        answer = send(api, case, names)
    assert answer.status_code == case["status"], answer.text
    assert answer.headers["X-Daytona-Api-Version"] == f"v{version}"
    document = answer.json() if answer.content else {}
    if case["status"] >= 400:
        check_error(case, document, names)
    else:
        assert server.violations[seen_before:] == []
    check_fields(document, case.get("has", {}), case.get("lacks", []), names)
    if "item" in case or "item_lacks" in case:
        (item,) = document["items"]
        check_fields(item, case.get("item", {}), case.get("item_lacks", []), names)


def clear(server: DaytonaServer) -> None:
    """Forget what was there."""
    server.timing = Timing(
        pending=0, build=0, pull=0, boot=0, create_block=5, stop=STAYS, archive=STAYS, delete=STAYS
    )
    server.snapshots_by_id.clear()
    server.sandboxes_by_id.clear()
    server.built.clear()
    server.under_construction.clear()
    server.failing_builds.clear()
    server.fail_starts = 0
    server.keys.limit = len(CASES)


def client(server: DaytonaServer) -> httpx.Client:
    return httpx.Client(
        base_url=server.url,
        headers={"Authorization": f"Bearer {server.api_key}"},
        timeout=CLIENT_SECONDS,
        trust_env=False,
        verify=NO_CERTIFICATES,
    )


def send(api: httpx.Client, case: dict[str, Any], names: dict[str, str]) -> httpx.Response:
    method, path = case["request"].split(" ", 1)
    if case.get("key") == "none":
        del api.headers["Authorization"]
    elif case.get("key") == "wrong":
        api.headers["Authorization"] = "Bearer dtn_wrong"
    if "raw" in case:
        content_type = case.get("content_type", "application/json")
        return api.request(
            method, path, content=case["raw"], headers={"Content-Type": content_type}
        )
    return api.request(method, path.format(**names), json=case.get("body"))


def check_error(case: dict[str, Any], document: dict[str, Any], names: dict[str, str]) -> None:
    keys = {"path", "timestamp", "statusCode", "error", "message"} - set(case.get("lacks", []))
    assert set(document) == keys
    assert document["statusCode"] == case["status"]
    if "message" in case:
        assert document["message"] == case["message"].format(**names)


def check_fields(
    document: Any, has: dict[str, Any], lacks: list[str], names: dict[str, str]
) -> None:
    for name, value in has.items():
        assert name in document
        if value == "some":
            assert document[name], name
        elif isinstance(value, str):
            assert document[name] == (None if value == "null" else value.format(**names)), name
        else:
            assert document[name] == value, name
    assert not [name for name in lacks if name in document]
