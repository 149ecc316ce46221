"""Faults that tests ask for, and what the server records."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until
from tests.unit.servers.daytona.calls import (
    NAME,
    build,
    create,
    message,
    names,
)


class TestFaults:
    def test_an_answer_instead(self, server: DaytonaServer, api: httpx.Client) -> None:
        fault = Fault(status=503, body={"message": "no"}, headers={"Retry-After": "1"})
        server.fail_next("GET", r"/snapshots.*", fault, times=2)
        assert api.get("/sandbox").status_code == 200
        assert api.get("/snapshots").json() == {"message": "no"}
        assert api.get("/snapshots/x").headers["Retry-After"] == "1"
        assert api.get("/snapshots").status_code == 200

    def test_text_instead(self, server: DaytonaServer, api: httpx.Client) -> None:
        fault = Fault(status=502, body="<html>", content_type="text/html")
        server.fail_next("GET", "/config", fault)
        answer = api.get("/config")
        assert (answer.status_code, answer.text) == (502, "<html>")

    def test_dropped_before_anything_happens(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.fail_next("POST", "/snapshots", Fault(drop=True))
        with pytest.raises(httpx.RemoteProtocolError):
            api.post("/snapshots", json=build())
        assert server.snapshots == []
        assert [request.status for request in server.seen("POST", "/snapshots")] == [None]

    def test_answer_lost(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_next("POST", "/snapshots", Fault(lose_answer=True))
        with pytest.raises(httpx.RemoteProtocolError):
            api.post("/snapshots", json=build())
        assert [snapshot.name for snapshot in server.snapshots] == [NAME]
        assert [request.status for request in server.seen("POST", "/snapshots")] == [200]

    def test_truncated(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_next("GET", "/config", Fault(truncate=True))
        with pytest.raises(httpx.RemoteProtocolError):
            api.get("/config")
        assert api.get("/config").status_code == 200

    def test_hanging(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_next("GET", "/config", Fault(hang=30))
        with pytest.raises(httpx.ReadTimeout):
            api.get("/config", timeout=0.2)

    def test_late(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_next("GET", "/config", Fault(delay=0.2))
        began = time.perf_counter()
        assert api.get("/config").status_code == 200
        assert time.perf_counter() - began >= 0.2

    def test_rate_limits(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME)
        server.rate_limit("sandbox-create", retry_after=7)
        assert api.get("/sandbox").status_code == 200
        answer = api.post("/sandbox", json={"snapshot": NAME})
        message(answer, 429)
        assert answer.headers["Retry-After-sandbox-create"] == "7"
        assert answer.headers["X-RateLimit-Remaining-sandbox-create"] == "0"
        assert "Retry-After" not in answer.headers
        assert api.post("/sandbox", json={"snapshot": NAME}).status_code == 200
        server.rate_limit("authenticated")
        assert api.get("/snapshots").headers["Retry-After-authenticated"] == "1"

    def test_a_limiter_has_a_window(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.limit_rate("authenticated", limit=2, seconds=0.4)
        left = [api.get("/sandbox").headers["X-RateLimit-Remaining-authenticated"] for _ in "ab"]
        assert left == ["1", "0"]
        answer = api.get("/sandbox")
        assert message(answer, 429) == "ThrottlerException: Too Many Requests"
        assert answer.headers["Retry-After-authenticated"] == "1"
        assert "Retry-After" not in answer.headers
        assert api.get("/config").json()["rateLimit"]["authenticated"] == {"ttl": 0.4, "limit": 2}
        until(lambda: api.get("/sandbox").status_code == 200)

    def test_limiters_count_their_own(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME)
        server.limit_rate("sandbox-create", limit=1, seconds=60)
        server.limit_rate("sandbox-lifecycle", limit=1, seconds=60)
        create(api)
        answer = api.post("/sandbox", json={"name": "two", "snapshot": NAME})
        assert answer.headers["Retry-After-sandbox-create"] == "60"
        assert "X-RateLimit-Limit-sandbox-create" not in api.get("/sandbox/one").headers
        assert api.post("/sandbox/one/start").status_code == 200
        message(api.delete("/sandbox/one"), 429)

    def test_wrong_keys_block_for_a_while(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.limit_rate("failed-auth", limit=2, seconds=0.3)
        wrong = {"Authorization": "Bearer no"}
        assert [api.get("/sandbox", headers=wrong).status_code for _ in "abc"] == [401, 401, 429]
        answer = api.get("/sandbox")
        message(answer, 429)
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["X-RateLimit-Limit-failed-auth"] == "2"
        until(lambda: api.get("/sandbox").status_code == 200)

    def test_a_preview_may_flap(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME)
        create(api, public=True)
        url = api.get("/sandbox/one/ports/3000/preview-url").json()["url"]
        server.fail_next("GET", "/preview/api/health", Fault(status=502))
        assert [api.get(f"{url}/api/health").status_code for _ in range(2)] == [502, 200]


class TestRecording:
    def test_on_request(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.on_request = lambda request: server.add_snapshot(request.query["page"])
        assert names(api.get("/snapshots?page=1")) == ["1"]
        assert names(api.get("/snapshots?page=2&limit=1")) == ["1"]

    def test_requests(self, server: DaytonaServer, api: httpx.Client) -> None:
        api.post("/snapshots?a=1&a=2", json=build())
        (request,) = server.seen("POST", "/snapshots")
        assert request.query == {"a": "2"}
        assert request.headers["authorization"] == f"Bearer {server.api_key}"
        assert request.json["name"] == NAME
        assert request.status == 200
        assert server.seen("GET", "/snapshots") == []

    def test_side_by_side(self, server: DaytonaServer, api: httpx.Client) -> None:
        threads = [threading.Thread(target=api.get, args=("/snapshots",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.seen("GET", "/snapshots")) == 8
