"""A sandbox lives no longer than it may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.polling import until

pytestmark = pytest.mark.hosted


def minutes_left(sandbox: dict[str, str]) -> float:
    """How long it may live, as it says."""
    left = datetime.fromisoformat(sandbox["autoDestroyAt"]) - datetime.now(UTC)
    return left / timedelta(minutes=1)


def test_there_is_none_unless_one_is_asked_for(api: httpx.Client) -> None:
    assert "autoDestroyAt" not in api.get("/sandbox/one").json()
    assert "autoDestroyAt" not in api.get("/sandbox").json()["items"][0]
    body = {"name": "two", "snapshot": "base", "ttlMinutes": 0}
    assert "autoDestroyAt" not in api.post("/sandbox", json=body).json()


def test_from_the_start(server: DaytonaServer, api: httpx.Client) -> None:
    body = {"name": "two", "snapshot": "base", "ttlMinutes": 90}
    sandbox = api.post("/sandbox", json=body).json()
    assert 89 < minutes_left(sandbox) <= 90
    listed = api.get("/sandbox", params={"name": "two"}).json()["items"]
    assert listed[0]["autoDestroyAt"] == sandbox["autoDestroyAt"]
    for name in ("one", "two"):
        api.post(f"/sandbox/{name}/autostop/0")
    server.advance(minutes=89)
    assert api.get("/sandbox/two").json()["state"] == "started"
    server.advance(minutes=2)
    until(lambda: api.get("/sandbox/two").status_code == 404)
    assert api.get("/sandbox/one").json()["state"] == "started"


def test_set_later_and_taken_away(server: DaytonaServer, api: httpx.Client) -> None:
    assert 9 < minutes_left(api.post("/sandbox/one/ttl/10").json()) <= 10
    server.advance(minutes=9)
    assert 18 < minutes_left(api.post("/sandbox/one/ttl/10").json()) <= 19
    assert "autoDestroyAt" not in api.post("/sandbox/one/ttl/0").json()
    api.post("/sandbox/one/autostop/0")
    server.advance(days=30)
    assert api.get("/sandbox/one").json()["state"] == "started"
    assert api.post("/sandbox/one/ttl/-1").status_code == 400
    body = {"snapshot": "base", "ttlMinutes": -1}
    assert api.post("/sandbox", json=body).status_code == 400


@pytest.mark.parametrize("state", ["stopped", "archived", "error", "starting"])
def test_in_any_state(server: DaytonaServer, timing: Timing, api: httpx.Client, state: str) -> None:
    if state == "error":
        server.add_sandbox("other", state="error")
    elif state == "starting":
        timing.boot = timing.create_block = 600
        timing.create_block = 0
        api.post("/sandbox", json={"name": "other", "snapshot": "base"})
    else:
        server.add_sandbox("other", state=state)
    assert api.post("/sandbox/other/ttl/1").status_code == 200
    server.advance(minutes=1)
    # Without any request.
    until(lambda: server.sandbox_named("other") is None)


def test_a_list_of_those_that_end_soon(api: httpx.Client) -> None:
    api.post("/sandbox", json={"name": "two", "snapshot": "base", "ttlMinutes": 60})
    api.post("/sandbox", json={"name": "three", "snapshot": "base", "ttlMinutes": 600})
    limit = (datetime.now(UTC) + timedelta(minutes=120)).isoformat()

    def names(**query: str) -> list[str]:
        return [item["name"] for item in api.get("/sandbox", params=query).json()["items"]]

    assert names(autoDestroyAtBefore=limit) == ["two"]
    assert names(autoDestroyAtAfter=limit) == ["three"]
