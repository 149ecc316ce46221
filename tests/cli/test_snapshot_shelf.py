"""``os2 snapshot list | show | rm | prune`` on a strict Daytona, without an engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault

NOW = datetime.now(UTC)
DAYTONA = ("--type", "daytona")


def named(stage: str, days: float) -> str:
    return f"{stage}--{NOW - timedelta(days=days):%Y%m%d-%H%M%S}"


def add(daytona: DaytonaServer, days: float, stage: str = "stg", **more: object) -> str:
    name = named(stage, days)
    daytona.add_snapshot(name, created=NOW - timedelta(days=days), **more)  # type: ignore[arg-type]
    return name


def there(daytona: DaytonaServer) -> list[str]:
    return sorted(snapshot.name for snapshot in daytona.snapshots)


def test_those_of_the_stage_are_listed_newest_first(cloud: Os2, daytona: DaytonaServer) -> None:
    old, new = add(daytona, 2), add(daytona, 1, state="inactive")
    add(daytona, 0.5, "prd")
    daytona.add_snapshot("stg--latest")
    daytona.add_snapshot("daytonaio/sandbox:1", general=True)

    listed = cloud("snapshot", "list", *DAYTONA)
    everything = cloud("snapshot", "ls", *DAYTONA, "--all-stages", "-q")

    assert listed.status == 0, listed.stderr
    rows = [line.split()[:4] for line in listed.stdout.splitlines()[1:]]
    assert rows == [[new, "daytona", "stg", "inactive"], [old, "daytona", "stg", "active"]]
    assert listed.stderr == "1 snapshot of other stages: os2 snapshot list --all-stages\n"
    assert everything.stdout.splitlines() == [named("prd", 0.5), new, old]


def test_without_a_stage_all_are_listed(cloud: Os2, daytona: DaytonaServer) -> None:
    names = {add(daytona, 1), add(daytona, 2, "dev-a"), add(daytona, 3, "dev-a")}

    listed = cloud("snapshot", "list", *DAYTONA, "-q", env={"APP_STAGE": ""})
    of_stage = cloud("snapshot", "list", *DAYTONA, "-q", "--stage", "dev-a")

    assert set(listed.stdout.split()) == names
    assert of_stage.stdout.split() == [named("dev-a", 2), named("dev-a", 3)]


def test_a_list_is_narrowed_and_sorted(cloud: Os2, daytona: DaytonaServer) -> None:
    names = [add(daytona, days) for days in (1, 2, 3)]
    failed = add(daytona, 4, state="error", error_reason="exit code 7")
    for record, size in zip(daytona.snapshots, (1, 3, 2, None), strict=True):
        record.size = size

    by_state = cloud("snapshot", "list", *DAYTONA, "-q", "--state", "failed")
    by_size = cloud("snapshot", "list", *DAYTONA, "-q", "--sort", "size")
    by_name = cloud("snapshot", "list", *DAYTONA, "-q", "--sort", "name")

    assert by_state.stdout.split() == [failed]
    assert by_size.stdout.split() == [names[1], names[2], names[0], failed]
    assert by_name.stdout.split() == sorted([*names, failed])


def test_the_document_of_a_list_is_an_array(cloud: Os2, daytona: DaytonaServer) -> None:
    name = add(daytona, 1, dockerfile=f"FROM x\n# os2-key: {'ab' * 32}\n", cpu=2, memory=8)
    daytona.add_sandbox("stg--a", snapshot=name)

    (item,) = cloud("snapshot", "list", *DAYTONA, "--json").json()
    shown = cloud("snapshot", "show", name, "--json").json()

    assert shown == item | {"contents": None}
    assert (item["name"], item["type"], item["stage"]) == (name, "daytona", "stg")
    assert (item["state"], item["key"], item["untagged"]) == ("active", "ab" * 32, False)
    assert item["resources"] == {"cpu": 2, "memory_gib": 8, "disk_gib": 3}
    assert item["machines"] == ["stg--a"]
    assert cloud("snapshot", "list", *DAYTONA, "--stage", "pr-1", "--json").json() == []


def test_an_engine_that_is_down_hides_no_snapshot(cloud: Os2, daytona: DaytonaServer) -> None:
    name = add(daytona, 1)

    listed = cloud("snapshot", "list")
    document = cloud("snapshot", "list", "--json")

    assert listed.status == document.status == 7
    assert name in listed.stdout
    assert "cannot list images and snapshots on local-docker: the Docker engine" in listed.stderr
    assert document.json()["partial"] is True
    assert [item["name"] for item in document.json()["snapshots"]] == [name]
    assert document.json()["failures"]["local-docker"]["code"] == "engine_refused"


def test_one_is_shown_with_all_that_is_known(cloud: Os2, daytona: DaytonaServer) -> None:
    name = add(daytona, 1, state="build_failed", error_reason="exit code 7")
    daytona.add_sandbox("somebody-s", snapshot=name)

    shown = cloud("snapshot", "show", name)

    lines = [line.split(maxsplit=1) for line in shown.stdout.splitlines()]
    assert ["state", "failed"] in lines
    assert ["reason", "exit code 7"] in lines
    assert ["machine", "somebody-s"] in lines
    assert ["memory", "1 GiB"] in lines


def test_a_removed_one_is_gone_when_the_command_returns(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.delete = 0.7
    name, other = add(daytona, 1, "dev-a"), add(daytona, 2, "dev-a")

    removed = cloud("snapshot", "rm", name)

    assert (removed.status, removed.stdout) == (0, f"removed {name}\n")
    assert there(daytona) == [other]


def test_one_that_is_not_removed_in_time_is_reported(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.delete = 30
    name = add(daytona, 1, "dev-a")

    removed = cloud("snapshot", "rm", name, "--timeout", "0.2", "--json")

    assert removed.status == 6
    assert removed.json()["error"]["code"] == "not_gone"
    assert "state: removing" in removed.json()["error"]["message"]


def test_several_are_removed_and_each_has_an_outcome(cloud: Os2, daytona: DaytonaServer) -> None:
    name, used = add(daytona, 1, "dev-a"), add(daytona, 2, "dev-a")
    daytona.add_sandbox("dev-a--m", snapshot=used, state="stopped")

    partly = cloud("snapshot", "rm", name, used, named("dev-a", 9), "--json")

    assert partly.status == 7
    outcomes = {i["name"]: i["outcome"] for i in partly.json()["error"]["details"]["items"]}
    assert outcomes == {name: "removed", used: "failed", named("dev-a", 9): "missing"}
    assert there(daytona) == [used]
    forced = cloud("snapshot", "rm", used, named("dev-a", 9), "--force", "--json")
    assert [item["outcome"] for item in forced.json()] == ["removed", "missing"]
    assert there(daytona) == []


def test_one_in_use_names_its_users(cloud: Os2, daytona: DaytonaServer) -> None:
    name = add(daytona, 1, "dev-a")
    daytona.add_sandbox("dev-a--m", snapshot=name)

    refused = cloud("snapshot", "rm", name)

    assert refused.status == 5
    assert f"{name} is in use: dev-a--m was created from it" in refused.stderr
    assert "--force" in refused.stderr


@pytest.mark.parametrize("name", ["team/tools:1", "stg--latest", "daytonaio/sandbox:1"])
def test_what_os2_did_not_publish_is_never_removed(
    cloud: Os2, daytona: DaytonaServer, name: str
) -> None:
    id_ = str(daytona.add_snapshot(name, general=name.startswith("daytonaio"))["id"])

    by_name = cloud("snapshot", "rm", name, *DAYTONA, "--yes", "--force")
    by_id = cloud("snapshot", "rm", id_, *DAYTONA, "--yes", "--force")

    assert (by_name.status, by_id.status) == (2, 5)
    assert "invalid snapshot name" in by_name.stderr
    assert there(daytona) == [name]
    assert daytona.seen("DELETE", "/snapshots/.*") == []


def test_staging_needs_confirmation_and_the_hint_is_the_command(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    name = add(daytona, 1)

    refused = cloud("snapshot", "rm", name)

    assert refused.status == 2
    assert there(daytona) == [name]
    command = refused.stderr.splitlines()[-1].removeprefix("hint: os2 ").split()
    assert cloud(*command).stdout == f"removed {name}\n"


def test_the_cache_forgets_what_was_removed(cloud: Os2, daytona: DaytonaServer) -> None:
    older, newest = add(daytona, 2), add(daytona, 1)
    assert cloud("snapshot", "resolve", "-q").stdout.strip() == newest

    cloud("snapshot", "rm", newest, "--yes")

    assert cloud("snapshot", "resolve", "-q").stdout.strip() == older


def test_a_key_without_permission_is_reported(cloud: Os2, daytona: DaytonaServer) -> None:
    name = add(daytona, 1)
    weak = {"DAYTONA_API_KEY": daytona.add_key(permissions=())}

    refused = cloud("snapshot", "rm", name, "--yes", env=weak)

    assert refused.status == 4
    assert "delete:snapshots" in refused.stderr


# --- prune ------------------------------------------------------------------------------------


@pytest.fixture
def five(daytona: DaytonaServer) -> list[str]:
    """Snapshots of staging, newest first; the last was never finished."""
    names = [add(daytona, days) for days in (1, 2, 3, 4)]
    return [*names, add(daytona, 9, state="error", error_reason="exit code 7")]


PRUNE = ("snapshot", "prune", *DAYTONA)


def test_a_dry_run_shows_the_plan_and_removes_nothing(
    cloud: Os2, daytona: DaytonaServer, five: list[str]
) -> None:
    plan = cloud(*PRUNE, "--dry-run")
    whole = cloud(*PRUNE, "-n", "-v")
    document = cloud(*PRUNE, "-n", "--json").json()

    assert plan.status == 0
    assert [line.split()[:2] for line in plan.stdout.splitlines()[1:]] == [
        [five[3], "remove"],
        [five[4], "remove"],
    ]
    assert "beyond the 3 newest" in plan.stdout
    assert "failed longer than 1 d ago" in plan.stdout
    assert f"{five[0]}  keep    the newest usable one" in whole.stdout
    assert document["dry_run"] is True
    assert [(i["name"], i["outcome"]) for i in document["remove"]] == [
        (five[3], "planned"),
        (five[4], "planned"),
    ]
    assert [i["name"] for i in document["keep"]] == five[:3]
    assert len(there(daytona)) == 5


def test_a_prune_removes_what_it_planned(
    cloud: Os2, daytona: DaytonaServer, five: list[str]
) -> None:
    daytona.add_sandbox("stg--m", snapshot=five[2])
    building = add(daytona, 0.1, state="building")
    other = add(daytona, 8, "prd")

    document = cloud(*PRUNE, "--keep", "0", "--yes", "--json")

    assert document.status == 0, document.stderr
    assert [(i["name"], i["outcome"]) for i in document.json()["remove"]] == [
        (five[1], "removed"),
        (five[3], "removed"),
        (five[4], "removed"),
    ]
    assert there(daytona) == sorted([building, five[0], five[2], other])
    again = cloud(*PRUNE, "--keep", "0", "--yes")
    assert (again.status, again.stdout, again.stderr) == (0, "", "nothing to remove\n")


def test_only_old_ones_are_removed(cloud: Os2, daytona: DaytonaServer, five: list[str]) -> None:
    kept = cloud(*PRUNE, "--keep", "1", "--older-than", "80h", "-q", "--yes")

    assert kept.stdout.split() == five[3:]
    assert there(daytona) == sorted(five[:3])


def test_a_prune_of_staging_asks_first(cloud: Os2, daytona: DaytonaServer, five: list[str]) -> None:
    refused = cloud(*PRUNE, "--keep", "2")

    assert refused.status == 2
    assert f"remove {five[3]}: beyond the 2 newest" in refused.stderr
    assert len(there(daytona)) == 5
    command = refused.stderr.splitlines()[-1].removeprefix("hint: os2 ").split()
    assert cloud(*command).status == 0
    assert there(daytona) == sorted(five[:2])


def test_one_that_fails_is_reported_and_the_others_are_removed(
    cloud: Os2, daytona: DaytonaServer, five: list[str]
) -> None:
    (stubborn,) = (s.id for s in daytona.snapshots if s.name == five[4])
    daytona.fail_next("DELETE", f"/snapshots/{stubborn}", Fault(400, {"message": "not now"}))

    partly = cloud(*PRUNE, "--yes")

    assert partly.status == 7
    assert partly.stdout == f"removed {five[3]}\n"
    assert f"{five[4]} was not removed: " in partly.stderr
    assert "error: 1 of 2 images and snapshots were not removed: " in partly.stderr


def test_snapshots_are_pruned_without_an_engine(
    cloud: Os2, daytona: DaytonaServer, five: list[str]
) -> None:
    pruned = cloud("snapshot", "prune", "--yes")

    assert pruned.status == 7
    assert pruned.stdout == f"removed {five[3]}\nremoved {five[4]}\n"
    assert "error: images and snapshots on local-docker could not be listed" in pruned.stderr


def test_without_a_stage_snapshots_are_left_alone(
    cloud: Os2, daytona: DaytonaServer, five: list[str]
) -> None:
    pruned = cloud("snapshot", "prune", "--yes", env={"APP_STAGE": ""})

    assert pruned.status == 8
    assert "skipping snapshots: no stage is set" in pruned.stderr
    assert len(there(daytona)) == 5


def test_names_are_completed(cloud: Os2, daytona: DaytonaServer) -> None:
    names = [add(daytona, 1), add(daytona, 2, "prd")]
    words = {"COMP_WORDS": "os2 snapshot rm p", "COMP_CWORD": "3"}

    assert cloud.completed(words) == names[1:]
