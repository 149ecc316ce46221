"""What is kept on disk: who it is, what was told, what waits, when to try again."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from os2cli.analytics import identity, spool
from os2cli.analytics.deliveries import (
    Attempts,
    add_delivered,
    last_delivered,
    load_attempts,
    save_attempts,
)
from os2cli.analytics.identity import current_identity, known_identity, link
from os2cli.analytics.spool import Event, Spool, take

TARGET, OTHER = "0" * 16, "1" * 16
GARBAGE = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"id": 1}',
    b"x" * 100_000,
    b"[" * 9999,
)


class TestIdentity:
    def test_it_is_made_when_it_is_needed(self, tmp_path: Path) -> None:
        assert known_identity(tmp_path) is None

        made = current_identity(tmp_path)

        assert str(UUID(made.distinct_id)) == made.distinct_id
        assert known_identity(tmp_path) == made == current_identity(tmp_path)

    def test_many_at_once_are_one(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(16) as pool:
            found = set(pool.map(lambda _: current_identity(tmp_path), range(64)))

        assert len(found) == 1

    def test_daytona_s_takes_its_place(self, tmp_path: Path) -> None:
        before = current_identity(tmp_path)

        after = link(tmp_path, before, "user_0815")

        assert after.distinct_id == "user_0815"
        assert after.anonymous == before.anonymous
        assert current_identity(tmp_path) == after

    @pytest.mark.parametrize("user", ["", " ", "a b", "a\nb", "-x", "x" * 200, "ü"])
    def test_what_is_no_id_is_left_alone(self, user: str, tmp_path: Path) -> None:
        before = current_identity(tmp_path)

        assert link(tmp_path, before, user) == before == current_identity(tmp_path)

    def test_a_reset_is_not_undone_by_who_knew_the_one_before(self, tmp_path: Path) -> None:
        before = current_identity(tmp_path)

        identity.forget(tmp_path)
        after = current_identity(tmp_path)
        link(tmp_path, before, "user_0815")

        assert after.anonymous != before.anonymous
        assert current_identity(tmp_path) == after

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_what_can_t_be_read_is_made_anew(self, garbage: bytes, tmp_path: Path) -> None:
        (tmp_path / "id").write_bytes(garbage)

        assert current_identity(tmp_path) == current_identity(tmp_path)

    def test_it_is_for_this_user_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / "state" / "analytics"
        current_identity(folder)

        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "id").stat().st_mode & 0o777 == 0o600


class TestTold:
    def test_once_for_each_change(self, tmp_path: Path) -> None:
        words = ["a", "a", "b", "b", "a"]

        news = [identity.claim(tmp_path, "project", word) for word in words]

        assert news == [True, False, True, False, True]

    def test_each_matter_by_itself(self, tmp_path: Path) -> None:
        assert identity.claim(tmp_path, "project", "a")
        assert identity.claim(tmp_path, "organization", "a")
        assert not identity.claim(tmp_path, "project", "a")

    def test_of_many_at_once_one_tells(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(16) as pool:
            news = list(pool.map(lambda _: identity.claim(tmp_path, "project", "a"), range(64)))

        assert news.count(True) == 1

    def test_what_is_forgotten_is_news(self, tmp_path: Path) -> None:
        identity.claim(tmp_path, "project", "a")

        identity.forget(tmp_path)

        assert identity.claim(tmp_path, "project", "a")

    def test_the_words_are_not_on_disk(self, tmp_path: Path) -> None:
        identity.claim(tmp_path, "email", "jo@acme.example")

        assert [p for p in tmp_path.rglob("*") if "acme" in p.name] == []


def event(number: int = 0) -> Event:
    return Event(f"event {number}", "somebody", {"number": number})


class TestSpool:
    def test_events_come_back_as_they_were_in_their_order(self, tmp_path: Path) -> None:
        catalogs, events = Spool(tmp_path / "spool"), [event(number) for number in range(20)]
        for each in events:
            catalogs.add(each, TARGET)

        assert [take(path) for path in catalogs.waiting(TARGET)] == events

    def test_those_of_another_project_are_not_its(self, tmp_path: Path) -> None:
        catalogs = Spool(tmp_path)
        catalogs.add(event(), OTHER)

        assert catalogs.waiting(TARGET) == []
        assert len(catalogs.waiting()) == 1

    def test_it_is_bounded_and_the_oldest_go(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spool, "MAX_EVENTS", 10)
        catalogs = Spool(tmp_path)
        for number in range(25):
            catalogs.add(event(number), TARGET)

        left = [take(path) for path in catalogs.waiting()]
        assert [each.properties["number"] for each in left if each] == list(range(15, 25))

    def test_it_holds_a_thousand(self, tmp_path: Path) -> None:
        catalogs = Spool(tmp_path)
        for number in range(1010):
            (tmp_path / f"{number:020d}-{event().uuid}-{TARGET}.json").touch()
        # All of them are from 1970, so that only their age could remove the others.
        names = [
            p.name.replace("00000000000000000", "99999999999999999") for p in catalogs.waiting()
        ]
        for path, name in zip(catalogs.waiting(), names, strict=True):
            path.rename(tmp_path / name)

        catalogs.trim()

        assert len(catalogs.waiting()) == spool.MAX_EVENTS == 1000

    def test_the_old_go(self, tmp_path: Path) -> None:
        catalogs = Spool(tmp_path)
        old = time.time_ns() - (spool.MAX_SECONDS + 60) * 1_000_000_000
        (tmp_path / f"{old:020d}-{event().uuid}-{TARGET}.json").write_text(event().to_json())

        catalogs.add(event(1), TARGET)

        assert [take(path) for path in catalogs.waiting()] != []
        assert len(catalogs.waiting()) == 1

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_what_is_no_event_goes(self, garbage: bytes, tmp_path: Path) -> None:
        path = tmp_path / f"{time.time_ns():020d}-{event().uuid}-{TARGET}.json"
        path.write_bytes(garbage)

        assert take(path) is None
        assert Spool(tmp_path).waiting() == []

    @pytest.mark.parametrize(
        "change",
        [
            {"uuid": "x"},
            {"timestamp": "yesterday"},
            {"timestamp": 1},
            {"properties": []},
            {"groups": None},
            {"name": ""},
            {"distinct_id": 5},
            {"more": 1},
        ],
    )
    def test_nor_is_half_of_one(self, change: dict[str, object], tmp_path: Path) -> None:
        path = tmp_path / "event"
        path.write_text(json.dumps({**json.loads(event().to_json()), **change}))

        assert take(path) is None

    def test_other_files_are_left_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / "spool"
        (folder / f"{0:020d}-{event().uuid}-{TARGET}.json").mkdir(parents=True)
        (folder / "notes.json").write_text("mine")
        catalogs = Spool(folder)

        catalogs.trim()
        catalogs.clear()

        assert catalogs.waiting() == []
        assert len(list(folder.iterdir())) == 2

    def test_what_a_killed_command_left_half_written_goes_later(self, tmp_path: Path) -> None:
        catalogs, half, old = Spool(tmp_path), tmp_path / ".a.json.1", tmp_path / ".b.json.2"
        for path in (half, old):
            path.write_text("{")
        os.utime(old, (0, 0))

        catalogs.sweep()

        assert [path.exists() for path in (half, old)] == [True, False]


class TestAttempts:
    def test_each_failure_doubles_the_wait_up_to_an_hour(self) -> None:
        attempts, waits = Attempts(TARGET), []
        for _ in range(9):
            attempts = attempts.failing("why")
            waits.append((attempts.next or 0) - (attempts.failed or 0))

        assert [round(wait) for wait in waits] == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
        assert not attempts.is_due
        assert attempts.succeeded().is_due

    def test_when_the_time_is_over_it_is_due(self) -> None:
        assert Attempts(TARGET, failed=time.time() - 61, failures=1).is_due
        assert not Attempts(TARGET, failed=time.time() - 61, failures=2).is_due

    def test_a_clock_that_was_put_back_keeps_nobody_waiting(self) -> None:
        assert Attempts(TARGET, failed=time.time() + 9_999, failures=1).is_due

    def test_they_are_kept_for_one_project(self, tmp_path: Path) -> None:
        failed = Attempts(TARGET).failing("why")
        save_attempts(tmp_path, failed)

        assert load_attempts(tmp_path, TARGET) == failed
        assert load_attempts(tmp_path, OTHER) == Attempts(OTHER)

    @pytest.mark.parametrize(
        "garbage",
        [
            *GARBAGE,
            json.dumps({"target": TARGET, "failures": "many"}).encode(),
            json.dumps({"target": TARGET, "failed": "then", "failures": 1}).encode(),
        ],
    )
    def test_what_can_t_be_read_is_as_nothing(self, garbage: bytes, tmp_path: Path) -> None:
        (tmp_path / "attempts.json").write_bytes(garbage)

        assert load_attempts(tmp_path, TARGET) == Attempts(TARGET)


class TestDelivered:
    def test_the_last_are_kept(self, tmp_path: Path) -> None:
        for start in (0, 80):
            add_delivered(tmp_path, [{"event": str(n)} for n in range(start, start + 80)])

        kept = [each["event"] for each in last_delivered(tmp_path)]
        assert kept == [str(number) for number in range(60, 160)]

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_what_can_t_be_read_is_as_nothing(self, garbage: bytes, tmp_path: Path) -> None:
        (tmp_path / "delivered.json").write_bytes(garbage)

        assert last_delivered(tmp_path) == []
