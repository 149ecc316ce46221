"""A job's record, for browsers that connect late."""

from __future__ import annotations

import time

import pytest

from os2cli.ui.jobs import record as job_record
from os2cli.ui.jobs.record import Notifier, Record


@pytest.fixture
def record() -> Record:
    return Record(Notifier())


def test_each_change_is_a_numbered_event(record: Record) -> None:
    with record.phase("build"):
        record.set_status("step 1")
        record.set_status("step 1")
        record.log("a line")
    record.add_message("notice", "done")

    events = record.since(0)
    assert events is not None
    assert [kind for _, kind, _ in events] == ["phase", "status", "log", "phase", "message"]
    assert [number for number, _, _ in events] == [1, 2, 3, 4, 5]
    assert record.since(5) == []
    assert record.since(3) == events[3:]


def test_a_failed_phase_is_not_ok(record: Record) -> None:
    with pytest.raises(ValueError, match="x"), record.phase("build"):
        raise ValueError("x")

    (phase,) = record.all()["phases"]
    assert (phase["ok"], phase["running"]) == (False, False)


def test_a_long_log_drops_its_oldest_lines(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(job_record.MAX_LINES + 3):
        record.log(f"{number} {'x' * job_record.MAX_LINE_LENGTH}")

    kept = record.all()
    assert len(kept["lines"]) == job_record.MAX_LINES
    assert kept["lines"][0].startswith("3 ")
    assert kept["dropped"] == 3
    assert all(len(line) == job_record.MAX_LINE_LENGTH for line in kept["lines"])


def test_a_browser_that_missed_too_much_gets_the_whole_record(record: Record) -> None:
    for number in range(job_record.MAX_EVENTS + 10):
        record.log(str(number))

    assert record.since(1) is None
    assert record.since(record.count + 1) is None
    assert record.since(record.count - 1) is not None


def test_a_line_of_any_length_is_cut_before_it_is_filtered(record: Record) -> None:
    endless = "\x1b[31m" + "x\x07" * 50_000_000
    started = time.thread_time()
    record.log(endless)
    record.set_status(endless)
    record.add_message("notice", endless)

    assert time.thread_time() - started < 1
    everything = record.all()
    texts = [*everything["lines"], everything["status"], everything["messages"][0]["text"]]
    assert [set(text) for text in texts] == [{"x"}] * 3
    assert {len(text) for text in texts} == {job_record.MAX_LINE_LENGTH}
