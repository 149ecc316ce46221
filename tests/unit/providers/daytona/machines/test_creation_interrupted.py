"""A signal while a sandbox is being made: it is heard at once, and what comes to be is removed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from os2cli.host.interrupts import Interrupted
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.machines.creation import SandboxCreation
from tests.progress import RecordedProgress
from tests.unit.providers.daytona.answers import SANDBOX, SPEC, sandbox
from tests.unit.providers.daytona.wires import DEADLINE_SECONDS, Wire, lost, ok, refused

ID = sandbox()["id"]
POST, BY_NAME, LIST = "POST /sandbox", f"GET /sandbox/{SANDBOX}", "GET /sandbox"
REMOVE, BY_ID = f"DELETE /sandbox/{ID}", f"GET /sandbox/{ID}"
NOTICE = "removing the unfinished machine dev-1"


@pytest.fixture
def creation(client: DaytonaClient, heard: RecordedProgress) -> SandboxCreation:
    return SandboxCreation(client, SPEC, heard)


@pytest.fixture
def hanging(strike: Callable[[], None]) -> Iterator[Callable[[httpx.Request], httpx.Response]]:
    """Return a POST that gets the signal, and no answer before the test is over."""
    over = threading.Event()

    def hang(request: httpx.Request) -> httpx.Response:
        strike()
        over.wait(DEADLINE_SECONDS)
        return ok(sandbox())

    yield hang
    over.set()


def test_an_answer_that_comes_late_is_removed(
    creation: SandboxCreation, wire: Wire, heard: RecordedProgress, strike: Callable[[], None]
) -> None:
    told = threading.Event()
    heard.on_notice = told.set

    def late(request: httpx.Request) -> httpx.Response:
        strike()
        assert told.wait(DEADLINE_SECONDS)
        return ok(sandbox(creation.request_id, state="creating"))

    wire.on(POST, late).on(REMOVE, httpx.Response(200))
    wire.on(BY_ID, ok(sandbox(state="destroying")), refused(404))

    with pytest.raises(Interrupted):
        creation.create()

    assert (heard.notices, heard.warnings) == ([NOTICE], [])


def test_an_answer_that_does_not_come_is_looked_for(
    creation: SandboxCreation,
    wire: Wire,
    heard: RecordedProgress,
    hanging: Callable[[httpx.Request], httpx.Response],
) -> None:
    made = ok(sandbox(creation.request_id, state="creating"))
    wire.on(POST, hanging).on(BY_NAME, made).on(REMOVE, httpx.Response(200))
    wire.on(BY_ID, refused(404))

    with pytest.raises(Interrupted):
        creation.create()

    assert (heard.notices, heard.warnings) == ([NOTICE], [])
    assert wire.lines == [POST, BY_NAME, REMOVE, BY_ID]
    for request in wire.requests[1:]:
        assert request.extensions["timeout"]["read"] == FAST.answer_seconds


def test_a_silent_api_is_reported(
    creation: SandboxCreation, wire: Wire, heard: RecordedProgress, strike: Callable[[], None]
) -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        strike()
        raise lost()

    wire.on(POST, gone)
    # The thread still looks for what it may have made, then the undoing does, in a hurry.
    wire.on(BY_NAME, refused(500), refused(500))

    with pytest.raises(Interrupted):
        creation.create()

    assert heard.warnings[0].startswith("machine dev-1 may still exist: ")


def test_nothing_is_made_any_more_after_it_was_undone(
    creation: SandboxCreation, wire: Wire, heard: RecordedProgress, strike: Callable[[], None]
) -> None:
    told = threading.Event()
    heard.on_notice = told.set

    def gone(request: httpx.Request) -> httpx.Response:
        strike()
        assert told.wait(DEADLINE_SECONDS)
        raise lost()

    wire.on(POST, gone)
    for _ in range(5):
        wire.on(BY_NAME, refused(404)).on(LIST, ok({"items": []}))

    with pytest.raises(Interrupted):
        creation.create()

    assert wire.lines.count(POST) == 1
    assert heard.warnings == []
