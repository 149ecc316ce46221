"""Snapshots: listed, created, activated and removed as oddly as on the real server."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.polling import until
from tests.unit.servers.daytona.calls import (
    DOCKERFILE,
    NAME,
    STAYS,
    build,
    message,
    names,
    state,
    stay,
)


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

    def test_of_two_builds_at_once_of_the_same_one_hears_of_its_end(
        self, api: httpx.Client, timing: Timing
    ) -> None:
        stay(timing, build=0.2, build_timeout=0.4)
        for name in ("first", "second"):
            api.post("/snapshots", json=build(name=name))
        until(lambda: state(api, "/snapshots/first") == "active")
        assert state(api, "/snapshots/second") == "building"
        assert api.post("/snapshots", json=build(name="third")).json()["state"] == "active"
        until(lambda: state(api, "/snapshots/second") == "error")

    def test_a_context_must_have_been_uploaded(self, api: httpx.Client) -> None:
        body = build()
        body["buildInfo"]["contextHashes"] = ["nowhere"]
        api.post("/snapshots", json=body)
        until(lambda: state(api, f"/snapshots/{NAME}") == "error")
        reason = api.get(f"/snapshots/{NAME}").json()["errorReason"]
        assert reason == "unprocessable entity: context not found: nowhere"

    def test_builds_that_fail(self, server: DaytonaServer, api: httpx.Client) -> None:
        server.fail_next_build("exit code: 7", state="build_failed", log=["#2 0.1 so far so good"])
        server.fail_next_build("manifest unknown")
        id_ = api.post("/snapshots", json=build()).json()["id"]
        until(lambda: state(api, f"/snapshots/{NAME}") == "build_failed")
        reason = api.get(f"/snapshots/{NAME}").json()["errorReason"]
        assert reason == "unprocessable entity: exit code: 7"
        assert "so far so good" in api.get(f"{server.origin}/logs/{id_}").text
        api.post("/snapshots", json={"name": "pulled", "imageName": "a:1"})
        until(lambda: state(api, "/snapshots/pulled") == "error")
        assert api.post("/snapshots", json=build(name="again")).json()["state"] == "pending"
        until(lambda: state(api, "/snapshots/again") == "active")


class TestJobs:
    """What happens to a snapshot happens when a job runs."""

    EVERY = 0.4

    @pytest.fixture(autouse=True)
    def jobs(self, timing: Timing) -> None:
        stay(timing, cron=self.EVERY)

    def test_a_build_takes_two_of_them_though_nothing_is_built(
        self, server: DaytonaServer, api: httpx.Client
    ) -> None:
        began = time.monotonic()
        api.post("/snapshots", json=build())
        until(lambda: state(api, f"/snapshots/{NAME}") == "active")
        # One picks it up, the next one finds it built.
        assert time.monotonic() - began > self.EVERY
        assert (time.monotonic() - server.began) % self.EVERY < self.EVERY / 2
        again = api.post("/snapshots", json=build(name="again")).json()
        assert again["state"] == "active"
        assert again["lastUsedAt"]

    def test_one_takes_a_removed_one_away(self, server: DaytonaServer, api: httpx.Client) -> None:
        id_ = server.add_snapshot(NAME)["id"]
        api.delete(f"/snapshots/{id_}")
        assert state(api, f"/snapshots/{id_}") == "removing"
        until(lambda: state(api, f"/snapshots/{id_}") == "404")

    def test_the_address_of_the_log_waits_for_the_first(
        self, api: httpx.Client, timing: Timing
    ) -> None:
        stay(timing, runner_block=STAYS)
        id_ = api.post("/snapshots", json=build()).json()["id"]
        assert api.get(f"/snapshots/{id_}/build-logs-url").status_code == 200
        assert state(api, f"/snapshots/{id_}") == "building"

    def test_the_real_ones_run_every_ten_seconds(self) -> None:
        assert (Timing.real().cron, Timing.real().start_block) == (10, 30)


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
