"""Sandboxes: created, listed, changed and removed as oddly as on the real server."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.polling import until
from tests.unit.servers.daytona.calls import (
    NAME,
    NO_CERTIFICATES,
    STAYS,
    create,
    message,
    names,
    state,
    stay,
)


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
        message(api.post("/sandbox/one/recover"), 400)
        server.sandbox("one").recoverable = True
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
        stay(timing, stop=0.1, archive=0.1, boot=0.1)
        assert api.post("/sandbox/one/start").json()["state"] == "started"
        message(api.post("/sandbox/one/archive"), 400)
        assert api.post("/sandbox/one/stop").json()["state"] == "stopping"
        until(lambda: state(api, "/sandbox/one") == "stopped")
        message(api.post("/sandbox/one/stop"), 400)
        assert api.post("/sandbox/one/archive").json()["state"] == "archiving"
        until(lambda: state(api, "/sandbox/one") == "archived")
        assert api.post("/sandbox/one/start").json()["state"] == "restoring"
        until(lambda: state(api, "/sandbox/one") == "started")
        message(api.post("/sandbox/one/recover"), 400)

    def test_a_start_answers_when_it_runs_or_after_a_while(
        self, server: DaytonaServer, api: httpx.Client, timing: Timing
    ) -> None:
        create(api)
        server.sandbox("one").state = "stopped"
        stay(timing, boot=0.1)
        assert api.post("/sandbox/one/start").json()["state"] == "started"
        server.sandbox("one").state = "stopped"
        stay(timing, boot=STAYS, start_block=0.1)
        assert api.post("/sandbox/one/start").json()["state"] == "starting"

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
        server.sandbox("one").log.append("healthy")
        base = f"{sandbox['toolboxProxyUrl']}/{sandbox['id']}/process"
        answer = api.post(f"{base}/execute", json={"command": "echo ran; exit 3"})
        assert answer.json() == {"exitCode": 3, "result": "ran\n"}
        logs = api.get(f"{base}/session/entrypoint/logs").json()
        assert logs["stdout"] == "starting: sleep infinity\nlistening on port 3000\nhealthy\n"
        assert (
            httpx.get(
                f"{base}/session/entrypoint/logs", trust_env=False, verify=NO_CERTIFICATES
            ).status_code
            == 401
        )
        assert api.post(f"{base}/execute", json={}).status_code == 400
        api.post("/sandbox/one/stop")
        until(lambda: state(api, "/sandbox/one") == "stopped")
        assert api.post(f"{base}/execute", json={"command": "ls"}).status_code == 400

    def test_sessions(self, server: DaytonaServer, api: httpx.Client) -> None:
        sandbox = create(api)
        base = f"{sandbox['toolboxProxyUrl']}/{sandbox['id']}/process/session"
        assert api.post(base, json={"sessionId": "mine"}).status_code == 201
        assert api.post(base, json={"sessionId": "mine"}).status_code == 409
        body = {"command": "echo ran; (exit 3)", "runAsync": True}
        answer = api.post(f"{base}/mine/exec", json=body)
        assert answer.status_code == 202
        command = f"{base}/mine/command/{answer.json()['cmdId']}"
        until(lambda: api.get(command).json().get("exitCode") == 3)
        assert api.get(f"{command}/logs").text == "ran\n"
        waited = api.post(f"{base}/mine/exec", json={"command": "pwd"}).json()
        assert (waited["exitCode"], waited["output"]) == (0, f"{server.home('one')}\n")
        assert len(api.get(f"{base}/mine").json()["commands"]) == 2
        assert api.delete(f"{base}/mine").status_code == 204
        assert api.get(f"{base}/mine").status_code == 404
