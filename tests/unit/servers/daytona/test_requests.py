"""The server takes requests, keys and bodies as strictly as the real one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.daytona_server import DaytonaServer
from tests.unit.servers.daytona.calls import (
    DOCKERFILE,
    NAME,
    NO_CERTIFICATES,
    build,
    message,
    names,
)


class TestBase:
    def test_other_paths_are_the_dashboard(self, server: DaytonaServer) -> None:
        answer = httpx.get(f"{server.origin}/snapshots", trust_env=False, verify=NO_CERTIFICATES)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")

    def test_every_answer_carries_the_version(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        for answer in (
            api.get("/health"),
            api.get("/nonsense"),
            httpx.get(server.origin, verify=NO_CERTIFICATES),
        ):
            assert answer.headers["X-Daytona-Api-Version"] == f"v{server.version}"

    def test_unknown_route_is_express_404(self, api: httpx.Client) -> None:
        assert message(api.get("/nonsense"), 404) == "Cannot GET /api/nonsense"
        assert message(api.patch("/snapshots"), 404) == "Cannot PATCH /api/snapshots"

    def test_the_clock_is_in_the_date_and_may_be_wrong(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        def skew() -> float:
            date = parsedate_to_datetime(api.get("/health").headers["date"])
            return (date - datetime.now(UTC)).total_seconds()

        assert abs(skew()) < 5
        server.clock_skew = timedelta(minutes=10)
        assert 590 < skew() < 610

    def test_public_and_who_am_i(self, server: DaytonaServer, api: httpx.Client) -> None:
        expires = datetime(2030, 1, 1, tzinfo=UTC)
        key = server.add_key(["write:sandboxes"], expires=expires, name="ci")
        assert (
            httpx.get(f"{server.url}/health", trust_env=False, verify=NO_CERTIFICATES).status_code
            == 200
        )
        config = httpx.get(f"{server.url}/config", trust_env=False, verify=NO_CERTIFICATES).json()
        assert (config["version"], config["maintananceMode"]) == (server.version, False)
        who = api.get("/api-keys/current", headers={"Authorization": f"Bearer {key}"}).json()
        assert who["name"] == "ci"
        assert who["permissions"] == ["write:sandboxes"]
        assert who["expiresAt"] == "2030-01-01T00:00:00.000Z"
        assert who["value"] != key
        assert api.get("/api-keys/current").json()["expiresAt"] is None

    def test_maintenance(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.maintenance = True
        message(api.get("/snapshots"), 503)
        assert api.get("/health").status_code == 200
        assert api.get("/config").json()["maintananceMode"] is True


class TestLogin:
    @pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer dtn_no"}])
    def test_wrong_key(self, server: DaytonaServer, header: dict[str, str]) -> None:
        answer = httpx.get(
            f"{server.url}/snapshots", headers=header, trust_env=False, verify=NO_CERTIFICATES
        )
        assert message(answer, 401) == "Invalid credentials"
        assert server.refused_logins == 1

    def test_expired_key(self, server: DaytonaServer, api: httpx.Client) -> None:
        key = server.add_key(expires=datetime.now(UTC) - timedelta(seconds=1))
        answer = api.get("/snapshots", headers={"Authorization": f"Bearer {key}"})
        assert message(answer, 401) == "Invalid credentials"

    def test_too_many_wrong_keys_block_all_clients(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.keys.limit = 2
        for _ in range(2):
            message(api.get("/snapshots", headers={"Authorization": "Bearer no"}), 401)
        answer = api.get("/snapshots")
        message(answer, 429)
        assert answer.headers["Retry-After"] == "900"

    def test_a_missing_permission_is_not_named(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        api.headers["Authorization"] = f"Bearer {server.add_key(['delete:snapshots'])}"
        server.add_snapshot(NAME)
        refused = [
            api.post("/snapshots", json=build(name="other")),
            api.post("/sandbox", json={"snapshot": NAME}),
            api.get("/object-storage/push-access"),
        ]
        for answer in refused:
            assert "write" not in message(answer, 403)
        # This one needs none: who may not create a snapshot finds out after the push.
        message(api.get("/docker-registry/registry-push-access"), 404)
        assert names(api.get("/snapshots")) == [NAME]
        assert api.delete(f"/snapshots/{server.snapshots[0].id}").status_code == 200


class TestContract:
    @pytest.mark.parametrize(
        "query",
        ["page=0", "page=x", "limit=0", "limit=201", "sort=createdTime", "order=down"],
    )
    def test_wrong_query(self, server: DaytonaServer, api: httpx.Client, query: str) -> None:
        message(api.get(f"/snapshots?{query}"), 400)
        assert len(server.violations) == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": 5},
            {"name": NAME, "buildInfo": {}},
            {"name": NAME, "imageName": "a:1", "cpu": "4"},
            {"name": NAME, "buildInfo": {"dockerfileContent": "FROM x", "contextHashes": "abc"}},
        ],
    )
    def test_wrong_body(
        self, server: DaytonaServer, api: httpx.Client, body: dict[str, Any]
    ) -> None:
        message(api.post("/snapshots", json=body), 400)
        assert server.violations
        assert server.snapshots == []

    def test_no_json(self, api: httpx.Client) -> None:
        headers = {"Content-Type": "application/json"}
        answer = api.post("/snapshots", content=b"{", headers=headers)
        assert (answer.status_code, set(answer.json())) == (400, {"statusCode", "error", "message"})
        message(api.post("/snapshots", content=b"{}", headers={"Content-Type": "text/x"}), 400)

    def test_unknown_fields_are_ignored(self, server: DaytonaServer, api: httpx.Client) -> None:
        assert api.get("/snapshots?labels=x").status_code == 200
        assert api.post("/snapshots", json=build(labels={"a": "b"})).status_code == 200
        assert server.violations == []

    def test_answers_are_checked(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME)
        server.snapshots[0].state = "floating"
        assert api.get(f"/snapshots/{NAME}").status_code == 200
        assert "floating" in server.violations[0]

    def test_one_wrong_item_among_many_is_found(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        for number in range(50):
            server.add_snapshot(f"{NAME}-{number}")
        server.snapshots[31].state = "floating"
        assert len(names(api.get("/snapshots"))) == 50
        assert "floating" in server.violations[0]

    def test_a_page_of_ten_thousand_is_quick(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        for number in range(10_000):
            server.add_snapshot(f"dev--{number}", dockerfile=DOCKERFILE)
        query: dict[str, str | int] = {
            "limit": 200,
            "page": 50,
            "sort": "createdAt",
            "name": "dev--",
        }
        took = []
        for _ in range(3):
            began = time.perf_counter()
            answer = api.get("/snapshots", params=query)
            took.append(time.perf_counter() - began)
            assert len(names(answer)) == 200
            assert answer.json()["totalPages"] == 50
        assert min(took) < 0.5
