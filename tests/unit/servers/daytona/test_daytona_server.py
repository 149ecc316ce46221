"""The Daytona test server is as strict and as odd as the real one."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Fault, S3Storage, Timing

NAME = "dev-jonas--20260111-193045"
DOCKERFILE = 'FROM scratch\nENTRYPOINT ["/bin/run", "it"]\n'
# In seconds: a state that is to be seen is never left within a test.
STAYS = 600
# Of no use for plain HTTP, but quick to make.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def timing() -> Timing:
    """Everything is over at once; tests raise what they look at."""
    return Timing(
        pending=0, build=0, pull=0, create_block=5, boot=0, stop=0, archive=0, delete=0
    )  # fmt: skip


@pytest.fixture
def server(timing: Timing) -> Iterator[DaytonaServer]:
    """A server without an engine."""
    with DaytonaServer(timing=timing) as server:
        yield server


@pytest.fixture
def api(server: DaytonaServer) -> Iterator[httpx.Client]:
    """A client with the server's key."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(
        base_url=server.url, headers=headers, trust_env=False, verify=NO_CERTIFICATES
    ) as client:
        yield client


def until(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """Ask again until the answer is true."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it never became true"
    return answer


def state(api: httpx.Client, path: str) -> str:
    """The state of a snapshot or sandbox; ``404`` when there is none."""
    answer = api.get(path)
    return str(answer.json()["state"]) if answer.status_code == 200 else str(answer.status_code)


def names(answer: httpx.Response) -> list[str]:
    """The names in a list."""
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def message(answer: httpx.Response, status: int) -> str:
    """The message of an error answer, which must have all five keys."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"path", "timestamp", "statusCode", "error", "message"}
    assert body["statusCode"] == status
    assert body["path"].startswith("/")
    return str(body["message"])


def build(dockerfile: str = DOCKERFILE, name: str = NAME, **more: Any) -> dict[str, Any]:
    """The body of a remote build."""
    return {"name": name, "buildInfo": {"dockerfileContent": dockerfile}, **more}


def stay(timing: Timing, **seconds: float) -> None:
    """Let a state last, so that it can be seen."""
    for field, value in seconds.items():
        setattr(timing, field, value)


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

    def test_too_many_wrong_keys_keep_everybody_out(
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
        message(api.post("/snapshots", content=b"{", headers=headers), 400)
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


class TestSnapshotList:
    def test_name_is_a_substring_with_wildcards(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        for name in ("Dev-a_b--1", "dev-aXb--2", "prd--dev-a_b", "stg--3"):
            server.add_snapshot(name)
        assert set(names(api.get("/snapshots", params={"name": "dev-a_b"}))) == {
            "Dev-a_b--1", "dev-aXb--2", "prd--dev-a_b",
        }  # fmt: skip
        assert names(api.get("/snapshots", params={"name": "g%3"})) == ["stg--3"]
        assert names(api.get("/snapshots", params={"name": "a\\_b--1"})) == ["Dev-a_b--1"]

    def test_sorted_by_creation_ties_newest_first_general_last(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        for name, day, general in [
            ("a", 1, False), ("general", 9, True), ("b", 2, False), ("c", 2, False),
        ]:  # fmt: skip
            server.add_snapshot(name, created=moment + timedelta(days=day), general=general)
        newest = api.get("/snapshots", params={"sort": "createdAt", "order": "desc"})
        assert names(newest) == ["c", "b", "a", "general"]
        assert newest.json()["total"] == 4
        oldest = api.get("/snapshots", params={"sort": "createdAt", "order": "asc"})
        assert names(oldest) == ["a", "c", "b", "general"]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    def test_last_used_is_the_default_and_nulls_are_last(
        self, server: DaytonaServer, api: httpx.Client, order: str
    ) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        server.add_snapshot("never")
        server.add_snapshot("early", last_used=moment)
        server.add_snapshot("late", last_used=moment + timedelta(days=1))
        used = ["early", "late"] if order == "asc" else ["late", "early"]
        assert names(api.get(f"/snapshots?order={order}")) == [*used, "never"]
        assert names(api.get("/snapshots"))[0] == "late"

    def test_pages(self, server: DaytonaServer, api: httpx.Client) -> None:
        for number in range(5):
            server.add_snapshot(f"s{number}")
        query: dict[str, str | int] = {"sort": "name", "order": "asc", "limit": 2}
        answer = api.get("/snapshots", params={**query, "page": 3})
        assert names(answer) == ["s4"]
        assert (answer.json()["total"], answer.json()["totalPages"]) == (5, 3)
        assert names(api.get("/snapshots", params={**query, "page": 9})) == []

    def test_items_embed_the_dockerfile(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME, dockerfile=DOCKERFILE)
        (item,) = api.get("/snapshots").json()["items"]
        assert item["buildInfo"]["dockerfileContent"] == DOCKERFILE
        assert "memory" not in item
        assert item["mem"] == 1


class TestSnapshotCreate:
    def test_remote_build(self, api: httpx.Client, timing: Timing) -> None:
        answer = api.post("/snapshots", json=build(cpu=4, memory=8, disk=10))
        assert answer.status_code == 200
        snapshot = answer.json()
        assert (snapshot["cpu"], snapshot["mem"], snapshot["disk"]) == (4, 8, 10)
        assert snapshot["state"] == "pending"
        assert snapshot["entrypoint"] == ["/bin/run", "it"]
        until(lambda: state(api, f"/snapshots/{NAME}") == "active")
        stay(timing, build=STAYS)
        api.post("/snapshots", json=build("FROM building", "second"))
        until(lambda: state(api, "/snapshots/second") == "building")
        stay(timing, pending=STAYS)
        api.post("/snapshots", json=build("FROM pending", "third"))
        assert state(api, "/snapshots/third") == "pending"

    def test_quota_counts_what_is_active(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.snapshot_quota = 1
        id_ = server.add_snapshot("old", state="inactive")["id"]
        server.add_snapshot("failed", state="error")
        server.add_snapshot("active")
        assert "quota exceeded" in message(api.post(f"/snapshots/{id_}/activate"), 400)

    def test_image(self, api: httpx.Client, timing: Timing) -> None:
        body = {"name": NAME, "imageName": "host:5000/project/image:1"}
        snapshot = api.post("/snapshots", json=body).json()
        assert snapshot["imageName"] == "host:5000/project/image:1"
        assert snapshot["state"] == "pending"
        assert "buildInfo" not in snapshot
        until(lambda: state(api, f"/snapshots/{snapshot['id']}") == "active")
        assert api.get(f"/snapshots/{NAME}").json()["entrypoint"] == ["sleep", "infinity"]
        stay(timing, pull=STAYS)
        api.post("/snapshots", json=body | {"name": "second"})
        until(lambda: state(api, "/snapshots/second") == "pulling")

    @pytest.mark.parametrize(
        ("image", "part"),
        [
            ("debian", "must include a tag"),
            ("host:5000/project/image", "must include a tag"),
            ("debian:", "must include a tag"),
            ("debian:latest", '":latest" are not allowed'),
            ("debian@sha256:12", "Invalid digest"),
            ("deb ian:1", "Invalid image name"),
        ],
    )
    def test_image_names(self, api: httpx.Client, image: str, part: str) -> None:
        answer = api.post("/snapshots", json={"name": NAME, "imageName": image})
        assert part in message(answer, 400)

    def test_neither_image_nor_build(self, api: httpx.Client) -> None:
        assert message(api.post("/snapshots", json={"name": NAME}), 400)

    @pytest.mark.parametrize("name", ["a b", "/a", "a/", "ü", "a@sha256:1", ""])
    def test_wrong_names(self, api: httpx.Client, name: str) -> None:
        assert "Invalid snapshot name" in message(
            api.post("/snapshots", json=build(name=name)), 400
        )

    def test_a_name_with_a_slash_is_percent_encoded(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.add_snapshot("team/dev:1")
        assert api.get("/snapshots/team%2Fdev:1").json()["name"] == "team/dev:1"
        assert server.requests[-1].path == "/snapshots/team%2Fdev:1"
        message(api.get("/snapshots/team/dev:1"), 404)

    def test_duplicate(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME)
        assert NAME in message(api.post("/snapshots", json=build()), 409)

    def test_quota(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.snapshot_quota = 1
        server.add_snapshot("general", general=True)
        assert api.post("/snapshots", json=build()).status_code == 200
        answer = api.post("/snapshots", json=build(name="second"))
        assert message(answer, 400) == "Snapshot quota exceeded. Maximum allowed: 1"

    def test_half_a_cpu_breaks_it(self, api: httpx.Client) -> None:
        message(api.post("/snapshots", json=build(cpu=1.5)), 500)

    def test_a_long_body_finds_no_route(self, api: httpx.Client) -> None:
        long = build("# " + "x" * 102_400)
        assert message(api.post("/snapshots", json=long), 404) == "Cannot POST /api/snapshots"

    @pytest.mark.parametrize(
        ("dockerfile", "entrypoint"),
        [
            ('ENTRYPOINT ["a"]\nENTRYPOINT ["b"]', ["b"]),
            ('ENTRYPOINT ["a"]\n# ENTRYPOINT ["comment"]', ["comment"]),
            ('ENTRYPOINT ["a", \\\n "b"]', ["[a, \\"]),
            ("ENTRYPOINT run 'it'", ["run it"]),
            ("CMD run", ["sleep", "infinity"]),
        ],
    )
    def test_entrypoint_by_regex(
        self, api: httpx.Client, dockerfile: str, entrypoint: list[str]
    ) -> None:
        answer = api.post("/snapshots", json=build("FROM x\n" + dockerfile))
        assert answer.json()["entrypoint"] == entrypoint

    def test_builds_are_cached_by_text_and_sorted_hashes(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        for hash_ in "abc":
            server.open_storage().put(f"{server.organization_id}/{hash_}/context.tar", b"")

        def create(name: str, *hashes: str) -> str:
            body = build(name=name)
            body["buildInfo"]["contextHashes"] = list(hashes)
            return str(api.post("/snapshots", json=body).json()["state"])

        assert create("first", "a", "b") == "pending"
        until(lambda: state(api, "/snapshots/first") == "active")
        assert create("second", "b", "a") == "active"
        assert create("third", "a", "c") == "pending"

    def test_a_context_must_have_been_uploaded(self, api: httpx.Client) -> None:
        body = build()
        body["buildInfo"]["contextHashes"] = ["nowhere"]
        api.post("/snapshots", json=body)
        until(lambda: state(api, f"/snapshots/{NAME}") == "error")
        reason = api.get(f"/snapshots/{NAME}").json()["errorReason"]
        assert reason == "context not found: nowhere"

    def test_builds_that_fail(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_next_build("exit code: 7", state="build_failed", log=["#2 0.1 so far so good"])
        server.fail_next_build("manifest unknown")
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: state(api, f"/snapshots/{NAME}") == "build_failed")
        assert api.get(f"/snapshots/{NAME}").json()["errorReason"] == "exit code: 7"
        assert "so far so good" in api.get(f"{server.origin}/logs/{id_}").text
        api.post("/snapshots", json={"name": "pulled", "imageName": "a:1"})
        until(lambda: state(api, "/snapshots/pulled") == "error")
        assert api.post("/snapshots", json=build(name="again")).json()["state"] == "pending"
        until(lambda: state(api, "/snapshots/again") == "active")


class TestSnapshotLife:
    def test_delete_takes_its_time_and_keeps_the_name(
        self, server: DaytonaServer, api: httpx.Client, timing: Timing
    ) -> None:
        stay(timing, delete=STAYS)
        id_ = server.add_snapshot(NAME)["id"]
        assert api.delete(f"/snapshots/{id_}").content == b""
        assert state(api, f"/snapshots/{NAME}") == "removing"
        message(api.post("/snapshots", json=build()), 409)
        stay(timing, delete=0)
        api.delete(f"/snapshots/{server.add_snapshot('second')['id']}")
        until(lambda: state(api, "/snapshots/second") == "404")
        assert api.post("/snapshots", json=build(name="second")).status_code == 200

    def test_delete_wants_an_id(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.add_snapshot(NAME)
        message(api.delete(f"/snapshots/{NAME}"), 400)
        message(api.delete("/snapshots/00000000-0000-4000-8000-000000000000"), 404)
        id_ = server.add_snapshot("general", general=True)["id"]
        message(api.delete(f"/snapshots/{id_}"), 403)

    def test_activate_only_from_inactive(self, server: DaytonaServer, api: httpx.Client) -> None:
        id_ = server.add_snapshot(NAME, state="inactive")["id"]
        answer = api.post(f"/snapshots/{id_}/activate")
        assert (answer.status_code, answer.json()["state"]) == (200, "active")
        assert "already active" in message(api.post(f"/snapshots/{id_}/activate"), 400)
        failed = server.add_snapshot("failed", state="error", error_reason="no space")
        assert failed["errorReason"] == "no space"
        assert "error state" in message(api.post(f"/snapshots/{failed['id']}/activate"), 400)

    def test_activation_has_a_cooldown(
        self, server: DaytonaServer, api: httpx.Client, timing: Timing
    ) -> None:
        id_ = server.add_snapshot(NAME, state="inactive")["id"]
        api.post(f"/snapshots/{id_}/activate")
        answer = api.post(f"/snapshots/{id_}/deactivate")
        assert (answer.status_code, answer.content) == (204, b"")
        message(api.post(f"/snapshots/{id_}/activate"), 400)
        stay(timing, cooldown=0)
        assert api.post(f"/snapshots/{id_}/activate").status_code == 200


class TestBuildLogs:
    def test_early_there_is_none(self, api: httpx.Client, timing: Timing) -> None:
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: api.get(f"/snapshots/{id_}/build-logs-url").status_code == 200)
        stay(timing, pending=STAYS)
        id_ = api.post("/snapshots", json=build("FROM other", "second")).json()["id"]
        message(api.get(f"/snapshots/{id_}/build-logs-url"), 404)

    def test_an_image_has_none(self, server: DaytonaServer, api: httpx.Client) -> None:
        id_ = server.add_snapshot(NAME, image_name="a:1")["id"]
        assert "no build info" in message(api.get(f"/snapshots/{id_}/build-logs-url"), 404)

    def test_following_ends_with_success(
        self, server: DaytonaServer, api: httpx.Client, timing: Timing
    ) -> None:
        stay(timing, build=0.2)
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: state(api, f"/snapshots/{id_}") != "pending")
        url = api.get(f"/snapshots/{id_}/build-logs-url").json()["url"]
        assert url == f"{server.origin}/logs/{id_}"
        assert httpx.get(url, trust_env=False, verify=NO_CERTIFICATES).status_code == 401
        text = api.get(url, params={"follow": "true"}).text
        assert text.startswith("#1 ")
        assert "exporting to image" in text
        until(lambda: state(api, f"/snapshots/{id_}") == "active")
        assert api.get(f"/snapshots/{id_}/build-logs?follow=true").text == ""

    def test_following_a_failed_build_never_ends(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.add_snapshot(NAME, state="error", dockerfile=DOCKERFILE)
        url = f"{server.origin}/logs/{server.snapshots[0].id}?follow=true"
        with api.stream("GET", url, timeout=1) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("#1 ")
            with pytest.raises(httpx.ReadTimeout):
                next(lines)

    def test_the_server_stops_all_the_same(self, timing: Timing) -> None:
        with DaytonaServer(timing=timing) as server:
            server.add_snapshot(NAME, state="error", dockerfile=DOCKERFILE)
            headers = {"Authorization": f"Bearer {server.api_key}"}
            url = f"{server.origin}/logs/{server.snapshots[0].id}?follow=true"
            client = httpx.Client(headers=headers, trust_env=False, verify=NO_CERTIFICATES)
            answer = client.send(client.build_request("GET", url), stream=True)
            began = time.perf_counter()
        assert time.perf_counter() - began < 2
        answer.close()
        client.close()

    def test_a_second_build_shows_the_lines_of_the_first(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        server.add_snapshot("failed", state="error", dockerfile=DOCKERFILE)
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: state(api, f"/snapshots/{id_}") == "active")
        text = api.get(f"{server.origin}/logs/{id_}").text
        assert text.count("load build definition") == 2

    def test_the_log_may_be_on_another_host(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.foreign_logs = True
        id_ = server.add_snapshot(NAME, dockerfile=DOCKERFILE)["id"]
        url = api.get(f"/snapshots/{id_}/build-logs-url").json()["url"]
        assert url == f"{server.other_origin}/logs/{id_}"
        assert server.other_origin != server.origin
        assert api.get(url).text.startswith("#1 ")


class TestPushAccess:
    def test_a_store_is_made_when_it_is_asked_for(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        assert server.storage is None
        access = api.get("/object-storage/push-access").json()
        storage = server.storage
        assert isinstance(storage, S3Storage)
        assert access["organizationId"] == server.organization_id
        assert (access["storageUrl"], access["bucket"]) == (storage.url, storage.bucket)
        storage.put("org/hash/context.tar", b"tar")
        assert storage.keys() == ["org/hash/context.tar"]
        assert storage.read("org/hash/context.tar") == b"tar"
        assert [put.size for put in storage.puts] == [3]
        assert api.get("/object-storage/push-access").json() == access

    def test_the_store_knows_its_key(self) -> None:
        with S3Storage() as storage:
            url = f"{storage.url}/{storage.bucket}/some/key"
            assert httpx.head(url, trust_env=False, verify=NO_CERTIFICATES).status_code == 403
            assert (
                "InvalidAccessKeyId"
                in httpx.put(url, content=b"x", trust_env=False, verify=NO_CERTIFICATES).text
            )
            assert storage.keys() == []

    def test_without_a_registry(self, api: httpx.Client) -> None:
        message(api.get("/docker-registry/registry-push-access"), 404)


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


@pytest.fixture
def snapshot(server: DaytonaServer) -> str:
    """The name of an active snapshot."""
    server.add_snapshot(NAME)
    return NAME


def create(api: httpx.Client, name: str = "one", **more: Any) -> dict[str, Any]:
    """Make a sandbox."""
    answer = api.post("/sandbox", json={"name": name, "snapshot": NAME, **more})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.usefixtures("snapshot")
class TestSandboxCreate:
    def test_what_is_asked_for_is_kept(self, server: DaytonaServer, api: httpx.Client) -> None:
        sandbox = create(
            api,
            env={"A": "1"},
            labels={"stage": "dev"},
            public=True,
            autoStopInterval=720,
            autoArchiveInterval=0,
            autoDeleteInterval=60,
        )
        assert sandbox["state"] == "started"
        assert (sandbox["env"], sandbox["labels"]) == ({"A": "1"}, {"stage": "dev"})
        assert sandbox["public"] is True
        assert (sandbox["autoStopInterval"], sandbox["autoDeleteInterval"]) == (720, 60)
        assert sandbox["toolboxProxyUrl"] == f"{server.origin}/toolbox"
        assert api.get("/sandbox/one").json() == api.get(f"/sandbox/{sandbox['id']}").json()
        assert server.violations == []

    def test_defaults(self, api: httpx.Client) -> None:
        sandbox = api.post("/sandbox", json={"snapshot": NAME}).json()
        assert sandbox["name"] == sandbox["id"]
        assert sandbox["public"] is False
        assert (sandbox["autoStopInterval"], sandbox["autoDeleteInterval"]) == (15, -1)

    def test_it_blocks_and_still_says_creating(self, api: httpx.Client, timing: Timing) -> None:
        stay(timing, create_block=0.1, boot=STAYS)
        began = time.perf_counter()
        assert create(api)["state"] == "creating"
        assert time.perf_counter() - began >= 0.1
        assert message(api.delete("/sandbox/one"), 409) == "Sandbox state change in progress"
        assert message(api.post("/sandbox/one/stop"), 409) == "Sandbox state change in progress"
        stay(timing, boot=0.1)
        assert create(api, "two")["state"] in ("creating", "started")
        until(lambda: state(api, "/sandbox/two") == "started")

    def test_snapshot_missing_or_inactive(self, server: DaytonaServer, api: httpx.Client) -> None:
        answer = api.post("/sandbox", json={"snapshot": "nope"})
        assert message(answer, 400) == (
            "Snapshot nope not found. Did you add it through the Daytona Dashboard?"
        )
        server.add_snapshot("old", state="inactive")
        answer = api.post("/sandbox", json={"snapshot": "old"})
        assert message(answer, 400) == "Snapshot old is inactive"
        assert server.sandboxes == []

    @pytest.mark.parametrize("size", ["cpu", "memory", "disk"])
    def test_sizes_come_from_the_snapshot(self, api: httpx.Client, size: str) -> None:
        answer = api.post("/sandbox", json={"snapshot": NAME, size: 4})
        assert "Cannot specify Sandbox resources" in message(answer, 400)

    def test_duplicate(self, api: httpx.Client) -> None:
        create(api)
        answer = api.post("/sandbox", json={"name": "one", "snapshot": NAME})
        assert "already exists" in message(answer, 409)

    def test_a_failed_start_leaves_a_record(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_starts = 1
        answer = api.post("/sandbox", json={"name": "one", "snapshot": NAME})
        assert message(answer, 400).startswith("Sandbox failed to start: ")
        sandbox = api.get("/sandbox/one").json()
        assert sandbox["state"] == "error"
        assert sandbox["errorReason"]
        assert api.post("/sandbox/one/recover").json()["state"] == "started"

    def test_the_snapshot_was_used(self, api: httpx.Client) -> None:
        assert api.get(f"/snapshots/{NAME}").json()["lastUsedAt"] is None
        create(api)
        assert api.get(f"/snapshots/{NAME}").json()["lastUsedAt"] is not None


@pytest.mark.usefixtures("snapshot")
class TestSandboxList:
    def test_filters(self, server: DaytonaServer, api: httpx.Client) -> None:
        create(api, "dev-one", labels={"os2": "1", "stage": "dev"})
        create(api, "dev-two", labels={"os2": "1", "stage": "stg"})
        create(api, "other")
        assert names(api.get("/sandbox")) == ["other", "dev-two", "dev-one"]
        assert names(api.get("/sandbox?name=dev-")) == ["dev-two", "dev-one"]
        assert names(api.get("/sandbox?name=one")) == []
        labels = '{"os2": "1", "stage": "dev"}'
        assert names(api.get("/sandbox", params={"labels": labels})) == ["dev-one"]
        message(api.get("/sandbox", params={"labels": "stage=dev"}), 400)
        assert "env" not in api.get("/sandbox").json()["items"][0]
        assert server.violations == []

    def test_seeded(self, server: DaytonaServer, api: httpx.Client, timing: Timing) -> None:
        stay(timing, list_lag=60)
        seeded = server.add_sandbox("old", state="error", labels={"a": "b"}, error_reason="why")
        assert api.get("/sandbox/old").json() == seeded
        assert names(api.get("/sandbox", params={"labels": '{"a": "b"}'})) == ["old"]
        assert server.violations == []

    def test_cursor(self, api: httpx.Client) -> None:
        for number in range(5):
            create(api, f"s{number}")
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = api.get(
                "/sandbox", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
            )
            found += names(answer)
            cursor = answer.json()["nextCursor"]
        assert found == ["s4", "s3", "s2", "s1", "s0"]
        message(api.get("/sandbox?cursor=nonsense"), 400)
        message(api.get("/sandbox?limit=201"), 400)

    def test_older_servers_answer_an_array(self, server: DaytonaServer, api: httpx.Client) -> None:
        create(api)
        server.bare_list = True
        assert [item["name"] for item in api.get("/sandbox").json()] == ["one"]
        assert server.violations == []

    def test_it_is_behind(self, server: DaytonaServer, api: httpx.Client, timing: Timing) -> None:
        stay(timing, list_lag=STAYS)
        old = server.add_sandbox("old")["id"]
        create(api)
        assert state(api, "/sandbox/one") == "started"
        api.delete("/sandbox/old")
        until(lambda: api.get(f"/sandbox/{old}").status_code == 404)
        assert names(api.get("/sandbox")) == ["old"]
        stay(timing, list_lag=0.05)
        create(api, "two")
        until(lambda: names(api.get("/sandbox")) == ["two", "old"])
        api.delete("/sandbox/two")
        until(lambda: names(api.get("/sandbox")) == ["old"])


@pytest.mark.usefixtures("snapshot")
class TestSandboxLife:
    def test_delete_frees_the_name_at_once(self, api: httpx.Client, timing: Timing) -> None:
        stay(timing, delete=STAYS)
        first = create(api)
        assert api.delete("/sandbox/one").json()["state"] == "destroying"
        assert state(api, "/sandbox/one") == "404"
        assert state(api, f"/sandbox/{first['id']}") == "destroying"
        second = create(api)
        assert second["id"] != first["id"]
        stay(timing, delete=0)
        api.delete("/sandbox/one")
        until(lambda: state(api, f"/sandbox/{second['id']}") == "404")
        assert "not found" in message(api.delete(f"/sandbox/{second['id']}"), 404)

    def test_a_new_one_of_an_old_name_is_not_found_by_name(
        self, server: DaytonaServer, api: httpx.Client, timing: Timing
    ) -> None:
        stay(timing, name_cache=STAYS)
        create(api)
        api.delete("/sandbox/one")
        id_ = create(api)["id"]
        assert state(api, "/sandbox/one") == "404"
        assert state(api, f"/sandbox/{id_}") == "started"
        message(api.delete("/sandbox/one"), 404)
        server.gone_names["one"] = 0
        assert state(api, "/sandbox/one") == "started"

    def test_stop_start_archive(self, api: httpx.Client, timing: Timing) -> None:
        create(api)
        stay(timing, stop=0.1, archive=0.1, boot=0.1, create_block=0)
        message(api.post("/sandbox/one/start"), 400)
        message(api.post("/sandbox/one/archive"), 400)
        assert api.post("/sandbox/one/stop").json()["state"] == "stopping"
        until(lambda: state(api, "/sandbox/one") == "stopped")
        message(api.post("/sandbox/one/stop"), 400)
        assert api.post("/sandbox/one/archive").json()["state"] == "archiving"
        until(lambda: state(api, "/sandbox/one") == "archived")
        assert api.post("/sandbox/one/start").json()["state"] == "restoring"
        until(lambda: state(api, "/sandbox/one") == "started")
        message(api.post("/sandbox/one/recover"), 400)

    def test_one_that_deletes_itself_is_gone_when_it_stops(self, api: httpx.Client) -> None:
        create(api, autoDeleteInterval=0)
        assert api.post("/sandbox/one/stop").json()["state"] == "destroying"
        assert state(api, "/sandbox/one") == "404"

    def test_settings(self, server: DaytonaServer, api: httpx.Client) -> None:
        create(api, labels={"a": "1"})
        assert api.put("/sandbox/one/labels", json={"labels": {"b": "2"}}).json() == {
            "labels": {"b": "2"}
        }
        assert api.get("/sandbox/one").json()["labels"] == {"b": "2"}
        assert api.post("/sandbox/one/autostop/30").json()["autoStopInterval"] == 30
        assert api.post("/sandbox/one/autoarchive/60").json()["autoArchiveInterval"] == 60
        assert api.post("/sandbox/one/autodelete/-1").json()["autoDeleteInterval"] == -1
        assert api.post("/sandbox/one/public/true").json()["public"] is True
        message(api.post("/sandbox/one/autostop/-1"), 400)
        message(api.post("/sandbox", json={"snapshot": NAME, "autoStopInterval": -1}), 400)
        assert server.violations == []

    def test_ssh_access_revokes_the_one_before(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        create(api)
        first = api.post("/sandbox/one/ssh-access?expiresInMinutes=5").json()
        second = api.post("/sandbox/one/ssh-access").json()
        assert first["token"] in first["sshCommand"]
        assert server.sandbox("one").ssh_tokens == [second["token"]]
        api.delete("/sandbox/one/ssh-access", params={"token": second["token"]})
        assert server.sandbox("one").ssh_tokens == []

    def test_toolbox(self, server: DaytonaServer, api: httpx.Client) -> None:
        sandbox = create(api)
        server.stub_execute = lambda _, command: (3, f"ran {command}")
        server.sandbox("one").log.append("healthy")
        base = f"{sandbox['toolboxProxyUrl']}/{sandbox['id']}/process"
        answer = api.post(f"{base}/execute", json={"command": "ls"})
        assert answer.json() == {"exitCode": 3, "result": "ran ls"}
        logs = api.get(f"{base}/session/entrypoint/logs").json()
        assert logs["stdout"] == "starting: sleep infinity\nlistening on port 3000\nhealthy\n"
        assert (
            httpx.get(
                f"{base}/session/entrypoint/logs", trust_env=False, verify=NO_CERTIFICATES
            ).status_code
            == 401
        )
        message(api.post(f"{base}/execute", json={}), 400)
        api.post("/sandbox/one/stop")
        until(lambda: state(api, "/sandbox/one") == "stopped")
        message(api.post(f"{base}/execute", json={"command": "ls"}), 400)

    def test_sessions(self, server: DaytonaServer, api: httpx.Client) -> None:
        sandbox = create(api)
        server.stub_execute = lambda _, command: (3, f"ran {command}")
        base = f"{sandbox['toolboxProxyUrl']}/{sandbox['id']}/process/session"
        assert api.post(base, json={"sessionId": "mine"}).status_code == 201
        message(api.post(base, json={"sessionId": "mine"}), 409)
        answer = api.post(f"{base}/mine/exec", json={"command": "ls", "runAsync": True})
        assert answer.status_code == 202
        command = f"{base}/mine/command/{answer.json()['cmdId']}"
        until(lambda: api.get(command).json().get("exitCode") == 3)
        assert api.get(f"{command}/logs").json()["output"] == "ran ls\n"
        waited = api.post(f"{base}/mine/exec", json={"command": "pwd"}).json()
        assert (waited["exitCode"], waited["output"]) == (3, "ran pwd\n")
        assert len(api.get(f"{base}/mine").json()["commands"]) == 2
        assert api.delete(f"{base}/mine").status_code == 204
        message(api.get(f"{base}/mine"), 404)


@pytest.mark.usefixtures("snapshot")
class TestPreview:
    @pytest.fixture
    def browser(self) -> Iterator[httpx.Client]:
        """A client without any login."""
        with httpx.Client(trust_env=False, verify=NO_CERTIFICATES) as client:
            yield client

    def test_private_wants_the_token(self, api: httpx.Client, browser: httpx.Client) -> None:
        create(api)
        link = api.get("/sandbox/one/ports/3000/preview-url").json()
        health = f"{link['url']}/api/health"
        refused = browser.get(health)
        assert refused.status_code == 307
        assert refused.headers["location"].endswith("/login")
        wrong = browser.get(health, headers={"x-daytona-preview-token": "no"})
        assert wrong.status_code == 307
        right = browser.get(health, headers={"x-daytona-preview-token": link["token"]})
        assert (right.status_code, right.json()) == (200, {"status": "ok"})
        query = browser.get(health, params={"DAYTONA_SANDBOX_AUTH_KEY": link["token"]})
        assert query.status_code == 200
        assert api.get(health).status_code == 200

    def test_the_token_changes_at_each_start(
        self, api: httpx.Client, browser: httpx.Client
    ) -> None:
        create(api)
        before = api.get("/sandbox/one/ports/3000/preview-url").json()
        api.post("/sandbox/one/stop")
        until(lambda: state(api, "/sandbox/one") == "stopped")
        stopped = browser.get(before["url"], headers={"x-daytona-preview-token": before["token"]})
        message(stopped, 502)
        api.post("/sandbox/one/start")
        after = api.get("/sandbox/one/ports/3000/preview-url").json()
        assert after["url"] == before["url"]
        assert after["token"] != before["token"]

    def test_public_needs_none_but_a_browser_is_warned(
        self, server: DaytonaServer, api: httpx.Client, browser: httpx.Client
    ) -> None:
        create(api, public=True)
        url = api.get("/sandbox/one/ports/3000/preview-url").json()["url"] + "/api/health"
        assert browser.get(url).json() == {"status": "ok"}
        mozilla = {"User-Agent": "Mozilla/5.0"}
        assert "warning" in browser.get(url, headers=mozilla).text
        skipping = mozilla | {"X-Daytona-Skip-Preview-Warning": "true"}
        assert browser.get(url, headers=skipping).json() == {"status": "ok"}
        server.stub_status = 503
        assert browser.get(url).status_code == 503
        assert [seen.status for seen in server.preview_requests] == [200, 200, 200, 503]

    def test_signed(self, server: DaytonaServer, api: httpx.Client, browser: httpx.Client) -> None:
        create(api)
        path = "/sandbox/one/ports/3000/signed-preview-url"
        link = api.get(path, params={"expiresInSeconds": 100}).json()
        health = f"{link['url']}/api/health"
        assert browser.get(health).json() == {"status": "ok"}
        tokens = server.sandbox("one").signed_tokens
        assert 90 < tokens[3000, link["token"]] - time.monotonic() <= 100
        tokens[3000, link["token"]] = time.monotonic()
        message(browser.get(health), 404)
        lasting = api.get(path).json()
        assert browser.get(lasting["url"]).status_code == 200
        assert api.post(f"{path}/{lasting['token']}/expire").status_code == 200
        message(browser.get(lasting["url"]), 404)
        message(api.get(path, params={"expiresInSeconds": 100_000}), 400)
        assert server.violations == []

    def test_nothing_there(self, api: httpx.Client, browser: httpx.Client) -> None:
        create(api, public=True)
        url = api.get("/sandbox/one/ports/8080/preview-url").json()["url"]
        message(browser.get(url), 502)
        message(api.get("/sandbox/one/ports/0/preview-url"), 400)
        api.delete("/sandbox/one")
        until(lambda: browser.get(url).status_code == 404)
