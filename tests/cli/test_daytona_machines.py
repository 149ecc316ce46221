"""``os2 machine`` on a strict Daytona, whose sandboxes run a stub."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime

import httpx
import pytest

from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until

CREATE = ("machine", "create", "--type", "daytona")
NEWEST = "stg--20260111-193045"


@pytest.fixture(autouse=True)
def published(daytona: DaytonaServer) -> None:
    """The stage has a snapshot."""
    daytona.add_snapshot(NEWEST, created=datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC))


def body(daytona: DaytonaServer) -> dict[str, object]:
    """Return the last requested machine."""
    found: dict[str, object] = json.loads(daytona.seen("POST", "/sandbox")[-1].body)
    return found


def remove_snapshot(daytona: DaytonaServer, name: str) -> None:
    """Remove it without os2, and wait until it is gone."""
    (snapshot,) = (s for s in daytona.snapshots if s.name == name)
    key = {"Authorization": f"Bearer {daytona.api_key}"}
    httpx.delete(f"{daytona.url}/snapshots/{snapshot.id}", headers=key)
    until(lambda: all(s.name != name for s in daytona.snapshots))


def test_a_machine_is_created_from_the_newest_snapshot_and_healthy(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    result = cloud(*CREATE, "dev-1", "--json")

    machine = result.json()
    assert result.status == 0, result.stderr
    assert machine["name"] == "dev-1"
    assert machine["type"] == "daytona"
    assert machine["stage"] == "stg"
    assert machine["snapshot"] == NEWEST
    assert machine["health"] == "healthy"
    assert machine["public"] is False
    assert httpx.get(machine["url"]).status_code == 307
    asked = body(daytona)
    assert asked["name"] == "stg--dev-1"
    assert asked["autoStopInterval"] == 0
    assert "cpu" not in asked


def test_a_public_one_answers_everyone(cloud: Os2) -> None:
    machine = cloud(*CREATE, "--public", "--json").json()

    assert httpx.get(f"{machine['url']}/api/health").json()["status"] == "ok"


def test_every_option_reaches_the_api(cloud: Os2, daytona: DaytonaServer) -> None:
    options = [
        *("-e", "A=1", "--label", "team=core", "--public", "--auto-stop", "30m"),
        *("--auto-archive", "2d", "--auto-delete", "off"),
    ]

    daytona.regions.append("eu")
    daytona.snapshots[0].region = "eu"

    created = cloud(*CREATE, "dev-1", *options, env={"DAYTONA_TARGET": "eu"})

    assert created.status == 0, created.stderr
    asked = body(daytona)
    assert asked["env"] == {"A": "1", "OS2_MACHINE_NAME": "dev-1", "OS2_SNAPSHOT": NEWEST}
    assert asked["labels"]["team"] == "core"  # type: ignore[index]
    assert asked["public"] is True
    assert (asked["autoStopInterval"], asked["autoArchiveInterval"]) == (30, 2880)
    assert asked["autoDeleteInterval"] == -1
    assert asked["target"] == "eu"


def test_a_region_that_is_not_there_is_named_as_the_setting(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    refused = cloud(*CREATE, env={"DAYTONA_TARGET": "moon"})

    assert refused.status == 3, refused.stderr
    assert refused.stderr.splitlines()[-2].endswith("Region not found")
    assert "DAYTONA_TARGET" in refused.stderr.splitlines()[-1]
    assert daytona.sandboxes == []


def test_development_machines_stop_after_half_a_day(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot("dev-jonas--20260111-193045")

    cloud(*CREATE, "--stage", "dev-jonas")

    assert body(daytona)["autoStopInterval"] == 12 * 60


def test_a_name_is_taken_within_its_stage_only(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot("pr-7--20260111-193045")

    assert cloud(*CREATE, "a").status == 0
    taken = cloud(*CREATE, "a", "--json")
    assert (taken.status, taken.json()["error"]["code"]) == (5, "machine_exists")
    assert cloud(*CREATE, "a", "--stage", "pr-7").status == 0


def test_it_is_listed_shown_and_removed(cloud: Os2, daytona: DaytonaServer) -> None:
    cloud(*CREATE, "a")

    listed = cloud("machine", "list", "--type", "daytona", "--json").json()
    shown = cloud("machine", "show", "a", "--type", "daytona", "--json").json()
    removed = cloud("machine", "rm", "a", "--type", "daytona", "--yes")

    assert [machine["name"] for machine in listed] == ["a"]
    assert listed[0]["url"] == shown["url"]
    assert shown["health"] == "healthy"
    assert removed.stdout == "removed a\n"
    assert cloud("machine", "list", "--type", "daytona", "-q").stdout == ""
    assert cloud("machine", "rm", "a", "--type", "daytona").status == 3
    assert cloud("machine", "rm", "a", "--type", "daytona", "--force").status == 0


def test_removing_from_staging_needs_confirmation(cloud: Os2, daytona: DaytonaServer) -> None:
    cloud(*CREATE, "a")

    refused = cloud("machine", "rm", "a", "--type", "daytona")

    assert refused.status == 2
    command = refused.stderr.splitlines()[-1].removeprefix("hint: os2 ").split()
    assert cloud(*command).stdout == "removed a\n"


def test_all_means_those_of_the_stage(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.add_snapshot("pr-7--20260111-193045")
    cloud(*CREATE, "a")
    cloud(*CREATE, "b", "--stage", "pr-7")

    unclear = cloud("machine", "rm", "--all", "--yes")
    cloud("machine", "rm", "--all", "--yes", "--type", "daytona")

    assert unclear.status == 2
    assert "--all requires --type" in unclear.stderr
    assert cloud("machine", "list", "--all-stages", "-q").stdout == "b\n"


def test_one_provider_down_still_shows_the_other(cloud: Os2) -> None:
    cloud(*CREATE, "a")

    table = cloud("machine", "list")
    document = cloud("machine", "list", "--json")

    assert table.status == document.status == 7
    assert "a " in table.stdout
    assert "warning: cannot list machines on local-docker" in table.stderr
    assert document.json()["partial"] is True
    assert [machine["name"] for machine in document.json()["machines"]] == ["a"]
    assert document.json()["failures"]["local-docker"]["code"] == "engine_refused"


def test_a_stale_cache_entry_is_dropped_and_requested_again(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    cloud("snapshot", "resolve")
    remove_snapshot(daytona, NEWEST)
    daytona.add_snapshot("stg--20260112-000000")

    machine = cloud(*CREATE, "--json").json()

    assert machine["snapshot"] == "stg--20260112-000000"
    assert cloud("snapshot", "resolve").stdout == "stg--20260112-000000\n"


def test_one_that_fails_while_the_create_is_answered_is_removed(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    daytona.fail_starts = 1
    daytona.timing.create_block = 2

    result = cloud(*CREATE, "a", "--json")

    assert result.status == 1
    assert "Sandbox failed to start" in result.json()["error"]["message"]
    assert cloud("machine", "list", "--type", "daytona", "-q").stdout == ""


@pytest.mark.parametrize("named", [True, False], ids=["named", "newest"])
def test_an_inactive_snapshot_is_activated(cloud: Os2, daytona: DaytonaServer, named: bool) -> None:
    sleeping = "pr-9--20260101-000000"
    daytona.add_snapshot(sleeping, state="inactive")
    option = ("--snapshot", sleeping) if named else ()

    result = cloud(*CREATE, "--stage", "pr-9", *option, "--json")

    assert result.json()["snapshot"] == sleeping
    assert len(daytona.seen("POST", r"/snapshots/.*/activate")) == 1


def test_a_lost_response_creates_no_second_machine(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_next("POST", "/sandbox", Fault(lose_answer=True))

    result = cloud(*CREATE, "a", "--json")

    assert result.status == 0, result.stderr
    assert len(daytona.seen("POST", "/sandbox")) == 1
    assert cloud("machine", "list", "--type", "daytona", "-q").stdout == "a\n"


def test_a_machine_that_does_not_start_is_removed(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_starts = 1

    result = cloud(*CREATE, "a", "--json")

    assert result.status == 1
    assert "runner could not start" in result.json()["error"]["message"]
    assert cloud("machine", "list", "--type", "daytona", "-q").stdout == ""


def test_a_missing_permission_is_named(cloud: Os2, daytona: DaytonaServer) -> None:
    weak = daytona.add_key(permissions=["write:snapshots"])

    result = cloud(*CREATE, env={"DAYTONA_API_KEY": weak})

    assert result.status == 4
    assert "write:sandboxes" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_during_the_create_leaves_nothing(
    cloud: Os2, daytona: DaytonaServer, times: int
) -> None:
    daytona.timing.create_block = 1.5
    process = cloud.start(*CREATE, "a")
    until(lambda: daytona.seen("POST", "/sandbox"))

    begun = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    assert (process.returncode, stdout) == (130, "")
    assert "removing the unfinished machine a" in stderr
    assert time.monotonic() - begun < 5
    names = cloud("machine", "list", "--type", "daytona", "-q")
    assert (names.status, names.stdout) == (0, "")


def test_a_signal_leaves_a_provider_that_hangs(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_next("GET", "/sandbox", Fault(hang=30), times=9)
    process = cloud.start("machine", "list")
    until(lambda: daytona.seen("GET", "/sandbox"))

    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    assert (process.returncode, stdout) == (130, "")
    assert stderr == "os2: stopped by SIGINT\n"
    assert time.monotonic() - begun < 5


def test_a_create_that_takes_too_long_leaves_nothing(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.boot = 2

    result = cloud(*CREATE, "a", "--timeout", "0.5", "--json")

    assert result.status == 6
    assert result.json()["error"]["code"] == "not_healthy"
    assert cloud("machine", "list", "--type", "daytona", "-q").stdout == ""


def test_old_servers_list_without_pages(cloud: Os2, daytona: DaytonaServer) -> None:
    cloud(*CREATE, "a")
    daytona.bare_list = True

    listed = cloud("machine", "list", "--type", "daytona", "-q")
    daytona.violations.clear()

    assert listed.stdout == "a\n"


def test_a_foreign_sandbox_is_left_alone(cloud: Os2, daytona: DaytonaServer) -> None:
    key = {"Authorization": f"Bearer {daytona.api_key}"}
    body = {"name": "stg--theirs", "snapshot": NEWEST}
    httpx.post(f"{daytona.url}/sandbox", json=body, headers=key)

    assert cloud("machine", "list", "--type", "daytona", "-q").stdout == ""
    assert cloud("machine", "rm", "theirs", "--type", "daytona", "--yes").status == 3
    taken = cloud(*CREATE, "theirs", "--json")
    assert (taken.status, taken.json()["error"]["code"]) == (5, "name_taken")


def test_phases_are_timed(cloud: Os2) -> None:
    result = cloud(*CREATE, "a")

    assert "created a (resolve " in result.stderr
