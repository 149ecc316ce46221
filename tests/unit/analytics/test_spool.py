"""Events that wait to be sent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from os2cli.analytics import spool
from os2cli.analytics.spool import Event, Spool, take
from tests.unit.analytics.stored import GARBAGE, OTHER_TARGET, TARGET
from tests.unit.core.user_ids import ADDRESSES, PLACEHOLDERS


def event(number: int = 0) -> Event:
    return Event(f"event {number}", "user", {"number": number})


def test_events_are_read_unchanged_and_in_order(tmp_path: Path) -> None:
    queue, events = Spool(tmp_path / "spool"), [event(number) for number in range(20)]
    for each in events:
        queue.add(each, TARGET)

    assert [take(path) for path in queue.waiting(TARGET)] == events


@pytest.mark.parametrize("user", [*PLACEHOLDERS, *ADDRESSES])
def test_an_event_of_no_user_is_dropped(user: str, tmp_path: Path) -> None:
    queue = Spool(tmp_path / "spool")
    queue.add(Event("event", user, {}), TARGET)

    assert [take(path) for path in queue.waiting(TARGET)] == [None]
    assert queue.waiting() == []


def test_a_project_sees_only_its_own_events(tmp_path: Path) -> None:
    queue = Spool(tmp_path)
    queue.add(event(), OTHER_TARGET)

    assert queue.waiting(TARGET) == []
    assert len(queue.waiting()) == 1


def test_the_oldest_events_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_EVENTS", 10)
    queue = Spool(tmp_path)
    for number in range(25):
        queue.add(event(number), TARGET)

    left = [take(path) for path in queue.waiting()]
    assert [each.properties["number"] for each in left if each] == list(range(15, 25))


def test_the_spool_holds_a_thousand_events(tmp_path: Path) -> None:
    queue = Spool(tmp_path)
    for number in range(1010):
        (tmp_path / f"{number:020d}-{event().uuid}-{TARGET}.json").touch()
    # All of them are from 1970, so that only their age could remove the others.
    names = [p.name.replace("00000000000000000", "99999999999999999") for p in queue.waiting()]
    for path, name in zip(queue.waiting(), names, strict=True):
        path.rename(tmp_path / name)

    queue.trim()

    assert len(queue.waiting()) == spool.MAX_EVENTS == 1000


def test_old_events_are_removed(tmp_path: Path) -> None:
    queue = Spool(tmp_path)
    old = time.time_ns() - (spool.MAX_SECONDS + 60) * 1_000_000_000
    (tmp_path / f"{old:020d}-{event().uuid}-{TARGET}.json").write_text(event().to_json())

    queue.add(event(1), TARGET)

    assert [take(path) for path in queue.waiting()] != []
    assert len(queue.waiting()) == 1


@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_unreadable_event_is_removed(garbage: bytes, tmp_path: Path) -> None:
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
def test_an_incomplete_event_is_rejected(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "event"
    path.write_text(json.dumps({**json.loads(event().to_json()), **change}))

    assert take(path) is None


def test_other_files_are_ignored(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    (folder / f"{0:020d}-{event().uuid}-{TARGET}.json").mkdir(parents=True)
    (folder / "notes.json").write_text("mine")
    queue = Spool(folder)

    queue.trim()
    queue.clear()

    assert queue.waiting() == []
    assert len(list(folder.iterdir())) == 2


def test_half_written_files_are_removed_after_an_hour(tmp_path: Path) -> None:
    queue, half, old = Spool(tmp_path), tmp_path / ".a.json.1", tmp_path / ".b.json.2"
    for path in (half, old):
        path.write_text("{")
    os.utime(old, (0, 0))

    queue.sweep()

    assert [path.exists() for path in (half, old)] == [True, False]
