"""The record of deliveries: attempts, and the last messages."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from os2cli.analytics.deliveries import (
    Attempts,
    add_delivered,
    last_delivered,
    load_attempts,
    save_attempts,
)
from tests.unit.analytics.stored import GARBAGE, OTHER_TARGET, TARGET


def test_each_failure_doubles_the_wait_up_to_an_hour() -> None:
    attempts, waits = Attempts(TARGET), []
    for _ in range(9):
        attempts = attempts.failing("why")
        waits.append((attempts.next or 0) - (attempts.failed or 0))

    assert [round(wait) for wait in waits] == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert not attempts.is_due
    assert attempts.succeeded().is_due


def test_an_attempt_is_due_after_the_wait() -> None:
    assert Attempts(TARGET, failed=time.time() - 61, failures=1).is_due
    assert not Attempts(TARGET, failed=time.time() - 61, failures=2).is_due


def test_a_clock_that_was_set_back_blocks_no_attempt() -> None:
    assert Attempts(TARGET, failed=time.time() + 9_999, failures=1).is_due


def test_attempts_belong_to_one_project(tmp_path: Path) -> None:
    failed = Attempts(TARGET).failing("why")
    save_attempts(tmp_path, failed)

    assert load_attempts(tmp_path, TARGET) == failed
    assert load_attempts(tmp_path, OTHER_TARGET) == Attempts(OTHER_TARGET)


@pytest.mark.parametrize(
    "garbage",
    [
        *GARBAGE,
        json.dumps({"target": TARGET, "failures": "many"}).encode(),
        json.dumps({"target": TARGET, "failed": "then", "failures": 1}).encode(),
    ],
)
def test_unreadable_attempts_are_ignored(garbage: bytes, tmp_path: Path) -> None:
    (tmp_path / "attempts.json").write_bytes(garbage)

    assert load_attempts(tmp_path, TARGET) == Attempts(TARGET)


def test_the_last_hundred_messages_are_kept(tmp_path: Path) -> None:
    for start in (0, 80):
        add_delivered(tmp_path, [{"event": str(n)} for n in range(start, start + 80)])

    names = [each["event"] for each in last_delivered(tmp_path)]
    assert names == [str(number) for number in range(60, 160)]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_unreadable_messages_are_ignored(garbage: bytes, tmp_path: Path) -> None:
    (tmp_path / "delivered.json").write_bytes(garbage)

    assert last_delivered(tmp_path) == []
