"""The log of a sandbox's entrypoint, followed over connections that break."""

from __future__ import annotations

import threading
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.models import LogRequest
from os2cli.providers.daytona.machines.entrypoint_log import EntrypointLog, _Position
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.daytona_server import DaytonaServer, Fault
from tests.unit.providers.daytona.machines.conftest import Counting

FOLLOW = LogRequest(follow=True)


@pytest.fixture
def log(real_toolbox: Toolbox) -> EntrypointLog:
    return EntrypointLog(real_toolbox)


def later(add: object, *lines: str) -> None:
    """Add lines to a log while it is followed."""
    threading.Timer(1.0, add.extend, [lines]).start()  # type: ignore[attr-defined]


@given(
    st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=5),
    st.integers(0, 30),
    st.binary(max_size=6),
    st.lists(st.integers(1, 9), max_size=8),
)
def test_a_connection_that_begins_again_repeats_nothing(
    messages: list[bytes], cut: int, added: bytes, sizes: list[int]
) -> None:
    position = _Position()
    position.restart()
    whole = b"".join(messages)
    seen = position.news(whole[:cut])
    position.restart()
    rest, start = [], 0
    for size in [*sizes, len(whole) + len(added)]:
        rest.append(position.news((whole + added)[start : start + size]))
        start += size

    assert seen + b"".join(rest) == whole + added


@given(st.binary(min_size=1, max_size=9), st.binary(min_size=1, max_size=9))
def test_the_log_of_a_new_start_is_shown_from_its_beginning(before: bytes, after: bytes) -> None:
    position = _Position()
    position.restart()
    position.news(before)
    position.restart()

    seen = position.news(after) + position.news(b"")

    assert seen == (after.removeprefix(before) if after.startswith(before) else after)


def test_new_lines_come_without_marks(daytona: DaytonaServer, log: EntrypointLog) -> None:
    record = daytona.sandbox("dev-1")
    record.log += ["one", "two"]
    later(record.log, "three")

    assert list(islice(log.lines(FOLLOW), 3)) == ["one", "two", "three"]


@pytest.mark.parametrize(("tail", "lines"), [(0, ["three"]), (1, ["two", "three"])])
def test_a_tail_begins_at_the_end_of_the_log(
    daytona: DaytonaServer, log: EntrypointLog, tail: int, lines: list[str]
) -> None:
    record = daytona.sandbox("dev-1")
    record.log += ["one", "two"]
    later(record.log, "three")

    assert list(islice(log.lines(LogRequest(follow=True, tail=tail)), len(lines))) == lines


def test_a_quiet_log_is_sent_once(
    daytona: DaytonaServer, log: EntrypointLog, transport: Counting
) -> None:
    record = daytona.sandbox("dev-1")
    record.log += ["x" * 999] * 1000
    later(record.log, "end")

    assert list(islice(log.lines(FOLLOW), 1001))[-1] == "end"
    assert transport.received < 10_000  # what is not sent as a message
    sent = [r.sent for r in daytona.requests if r.path.endswith("/entrypoint/logs")]
    assert sum(sent) < 1.1 * 1_000_000


@pytest.mark.parametrize(
    "fault",
    [Fault(drop=True), Fault(status=429), Fault(status=502), Fault(status=503)],
    ids=["dropped", "429", "502", "503"],
)
def test_a_passing_failure_is_retried(
    daytona: DaytonaServer, log: EntrypointLog, fault: Fault
) -> None:
    daytona.sandbox("dev-1").log += ["one"]
    daytona.fail_next("GET", "/toolbox/.*/entrypoint/logs", fault, times=2)

    assert next(log.lines(FOLLOW)) == "one"


@pytest.mark.parametrize("removed", [False, True], ids=["stopped", "removed"])
def test_following_ends_with_the_machine(
    daytona: DaytonaServer, log: EntrypointLog, removed: bool
) -> None:
    record = daytona.sandbox("dev-1")
    record.log += ["one"]
    method, path = ("DELETE", "") if removed else ("POST", "/stop")
    lines = log.lines(FOLLOW)

    first = next(lines)
    log.toolbox.client.change(method, f"/sandbox/{record.id}{path}", doing="ending it")

    assert [first, *lines] == ["one"]
