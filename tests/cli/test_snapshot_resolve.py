"""``os2 snapshot resolve`` and ``os2 cache`` against a strict Daytona."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault

MOMENT = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
NEWEST = "stg--20260111-193045"
JSON = "application/json"


def add(server: DaytonaServer, name: str, age_hours: int = 0, **more: object) -> None:
    server.add_snapshot(name, created=MOMENT - timedelta(hours=age_hours), **more)  # type: ignore[arg-type]


def questions(server: DaytonaServer) -> int:
    return len(server.seen("GET", "/snapshots"))


def test_the_name_of_the_newest_active_snapshot_is_the_output(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    add(daytona, "stg--20260110-193045", 24)
    add(daytona, NEWEST)

    result = cloud("snapshot", "resolve")

    assert (result.status, result.stdout, result.stderr) == (0, f"{NEWEST}\n", "")


def test_a_second_answer_comes_from_the_cache(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, NEWEST)
    first = cloud("snapshot", "resolve")
    add(daytona, "stg--20260112-000000", -5)

    again = cloud("snapshot", "resolve")
    anew = cloud("snapshot", "resolve", "--no-cache")

    assert first.stdout == again.stdout == f"{NEWEST}\n"
    assert anew.stdout == "stg--20260112-000000\n"
    assert questions(daytona) == 2


def test_another_key_has_answers_of_its_own(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, NEWEST)
    cloud("snapshot", "resolve")

    cloud("snapshot", "resolve", env={"DAYTONA_API_KEY": daytona.add_key()})

    assert questions(daytona) == 2


def test_development_stages_are_not_cached(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, "dev-jonas--20260111-193045")
    for _ in range(2):
        cloud("snapshot", "resolve", "--stage", "dev-jonas")

    assert questions(daytona) == 2
    assert cloud("cache", "show", "--json").json()["entries"] == []


def test_errors_are_not_cached(cloud: Os2, daytona: DaytonaServer) -> None:
    missing = cloud("snapshot", "resolve")
    add(daytona, NEWEST)

    assert missing.status == 3
    assert "error: stage stg has no active snapshot" in missing.stderr
    assert "hint: publish one: os2 snapshot daytona --stage stg" in missing.stderr
    assert cloud("snapshot", "resolve").stdout == f"{NEWEST}\n"


def test_every_candidate_is_explained(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, "STG--20260115-000000", -9)
    add(daytona, "stg--20260114-000000", -8, state="build_failed", error_reason="exit code 1")
    add(daytona, "stg--20260113-000000", -7, state="building")
    add(daytona, "stg--20260112-120000", -6, state="inactive")
    add(daytona, "stg--latest", -5)
    add(daytona, NEWEST)
    add(daytona, "stg--20260110-193045", 24)
    add(daytona, "daytona-stg--1", 0, general=True)

    result = cloud("snapshot", "resolve", "--explain", "--json")

    verdicts = {c["name"]: c["verdict"] for c in result.json()["candidates"]}
    assert verdicts == {
        "STG--20260115-000000": "other stage",
        "stg--20260114-000000": "failed",
        "stg--20260113-000000": "building",
        "stg--20260112-120000": "inactive",
        "stg--latest": "not a snapshot name",
        NEWEST: "picked",
        "stg--20260110-193045": "older",
        "daytona-stg--1": "provider's own",
    }
    table = cloud("snapshot", "resolve", "--explain").stdout
    assert "failed: exit code 1" in table


def test_a_newer_one_that_is_not_ready_is_mentioned(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, NEWEST)
    add(daytona, "stg--20260112-000000", -5, state="building")

    result = cloud("snapshot", "resolve")

    assert result.stdout == f"{NEWEST}\n"
    assert "stg--20260112-000000 is newer but not used: building" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--explain",)], ids=["plain", "explained"])
def test_nothing_to_pick_is_also_one_document(
    cloud: Os2, daytona: DaytonaServer, arguments: tuple[str, ...]
) -> None:
    add(daytona, NEWEST, state="build_failed")

    result = cloud("snapshot", "resolve", "--json", *arguments)

    assert result.status == 3
    assert isinstance(result.json(), dict)


def test_of_ten_thousand_the_newest_costs_one_request(os2: Os2) -> None:
    with DaytonaServer(check_answers=False) as server:
        for number in range(10_000):
            add(server, f"stg--{MOMENT - timedelta(hours=number):%Y%m%d-%H%M%S}", number)

        env = {"DAYTONA_API_URL": server.url, "DAYTONA_API_KEY": server.api_key}
        result = os2("snapshot", "resolve", "--stage", "stg", env=env)

        assert result.stdout == f"{NEWEST}\n"
        assert len(server.requests) == 1


def test_the_cache_is_shown_and_cleared(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, NEWEST)
    cloud("snapshot", "resolve")

    shown = cloud("cache", "show")
    cleared = cloud("cache", "clear")
    again = cloud("cache", "show")

    assert NEWEST in shown.stdout
    assert cleared.stdout == "cleared 1 resolution\n"
    assert (again.status, again.stdout) == (0, "")
    assert "the cache is empty" in again.stderr


def test_a_time_to_live_of_zero_keeps_nothing(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, NEWEST)
    for _ in range(2):
        cloud("snapshot", "resolve", env={"OS2_CACHE_TTL": "0"})

    assert questions(daytona) == 2


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(status=401, body={"message": "Invalid credentials"}), 4, "key_invalid"),
        (Fault(status=200, body="<html></html>", content_type="text/html"), 2, "api_url_wrong"),
        (Fault(status=302, headers={"Location": "https://login.example/"}), 2, "api_url_wrong"),
        (Fault(status=500, body={"message": "boom"}), 8, "api_failed"),
        (Fault(status=200, body=b'{"items": [', content_type=JSON), 1, "answer_invalid"),
        (Fault(status=200, body={"total": 1}), 1, "answer_invalid"),
    ],
    ids=["refused", "dashboard", "redirect", "broken", "cut off", "field missing"],
)  # fmt: skip
def test_a_bad_answer_is_one_error_with_its_code(
    cloud: Os2, daytona: DaytonaServer, fault: Fault, status: int, code: str
) -> None:
    daytona.fail_next("GET", "/snapshots", fault)

    result = cloud("snapshot", "resolve", "--json")

    assert result.status == status
    assert result.json()["error"]["code"] == code
    assert result.json()["error"]["hint"]
    assert questions(daytona) == 1
    daytona.violations.clear()


def test_temporary_errors_are_retried(cloud: Os2, daytona: DaytonaServer) -> None:
    add(daytona, NEWEST)
    daytona.fail_next("GET", "/snapshots", Fault(status=503), times=1)
    daytona.fail_next("GET", "/snapshots", Fault(drop=True), times=1)
    daytona.rate_limit("authenticated", retry_after=1)

    assert cloud("snapshot", "resolve").stdout == f"{NEWEST}\n"


def test_without_a_key_the_hint_names_how_to_get_one(os2: Os2) -> None:
    result = os2("snapshot", "resolve", "--stage", "stg")

    assert result.status == 4
    assert result.stderr.splitlines()[0] == "error: no API key for Daytona"
    assert "DAYTONA_API_KEY" in result.stderr.splitlines()[1]
