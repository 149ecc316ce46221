"""A signal while a sandbox is being made: it is heard at once, and what comes to be is removed."""

from __future__ import annotations

import json
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
from tests.unit.providers.daytona.sandbox_answers import LABELS, busy, marked, none
from tests.unit.providers.daytona.wires import DEADLINE_SECONDS, Wire, lost, ok, refused

ID = sandbox()["id"]
POST, BY_NAME, LIST = "POST /sandbox", f"GET /sandbox/{SANDBOX}", "GET /sandbox"
REMOVE, BY_ID = f"DELETE /sandbox/{ID}", f"GET /sandbox/{ID}"
REMAINS = "machine dev-1 still exists: removing machine dev-1 timed out after "
MARKED = "it removes itself a minute after its start, or with os2 machine prune"
TO_REMOVE = "remove it: os2 machine rm dev-1 --type daytona --stage dev-jonas"
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
    # The thread still looks for what it may have made, and the undoing does until it is too late.
    wire.on(BY_NAME, *[refused(500)] * 100)

    with pytest.raises(Interrupted):
        creation.create()

    assert heard.warnings[0].startswith("machine dev-1 may still exist: ")
    wire.script.clear()


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
    for _ in range(4):
        wire.on(BY_NAME, refused(404)).on(LIST, none())

    with pytest.raises(Interrupted):
        creation.create()

    assert wire.lines.count(POST) == 1
    assert heard.warnings == []


def test_a_name_that_the_cache_hides_is_found_when_the_list_has_it(
    creation: SandboxCreation,
    wire: Wire,
    heard: RecordedProgress,
    hanging: Callable[[httpx.Request], httpx.Response],
) -> None:
    made = sandbox(creation.request_id, state="creating")
    wire.on(POST, hanging)
    for _ in range(3):
        wire.on(BY_NAME, refused(404)).on(LIST, none())
    wire.on(BY_NAME, refused(404)).on(LIST, ok({"items": [made]})).on(BY_ID, ok(made))
    wire.on(REMOVE, httpx.Response(200)).on(BY_ID, refused(404))

    with pytest.raises(Interrupted):
        creation.create()

    assert (heard.notices, heard.warnings) == ([NOTICE], [])


def test_one_that_never_appears_is_reported(
    creation: SandboxCreation,
    wire: Wire,
    heard: RecordedProgress,
    hanging: Callable[[httpx.Request], httpx.Response],
) -> None:
    wire.on(POST, hanging)
    for _ in range(19):
        wire.on(BY_NAME, refused(404)).on(LIST, none())

    with pytest.raises(Interrupted):
        creation.create()

    assert heard.warnings == [
        "machine dev-1 may still exist: Daytona has not answered yet",
        TO_REMOVE,
    ]


class TestWhileItIsBeingCreated:
    """Daytona refuses the removal, for longer than the command goes on."""

    def interrupt(self, creation: SandboxCreation) -> None:
        with pytest.raises(Interrupted):
            creation.create()

    def test_it_is_marked_and_reported(
        self,
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
        hanging: Callable[[httpx.Request], httpx.Response],
    ) -> None:
        made = sandbox(creation.request_id, state="creating")
        wire.on(POST, hanging).on(BY_NAME, ok(made)).on(REMOVE, busy())
        marked(wire).on(REMOVE, *[busy()] * 9)

        self.interrupt(creation)

        labels = next(r for r in wire.requests if r.method == "PUT")
        assert json.loads(labels.content) == {
            "labels": {**made["labels"], "dev.os2.unfinished": "1"}
        }
        assert heard.warnings[0].startswith(REMAINS)
        assert heard.warnings[0].endswith(f"Sandbox state change in progress; {MARKED}")
        assert heard.warnings[1:] == [TO_REMOVE]

    def test_it_is_removed_as_soon_as_that_is_possible(
        self,
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
        hanging: Callable[[httpx.Request], httpx.Response],
    ) -> None:
        made = ok(sandbox(creation.request_id, state="creating"))
        wire.on(POST, hanging).on(BY_NAME, made).on(REMOVE, busy())
        marked(wire).on(REMOVE, busy(), httpx.Response(200)).on(BY_ID, refused(404))

        self.interrupt(creation)

        assert heard.warnings == []

    def test_what_fails_is_tried_again_until_it_is_marked(
        self,
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
        hanging: Callable[[httpx.Request], httpx.Response],
    ) -> None:
        made = ok(sandbox(creation.request_id, state="creating"))
        # The first removal may have had its effect: whether it had is asked.
        wire.on(POST, hanging).on(BY_NAME, made).on(REMOVE, refused(502), busy()).on(BY_ID, made)
        wire.on(LABELS, refused(503)).on(REMOVE, busy())
        marked(wire).on(REMOVE, *[busy()] * 8)

        self.interrupt(creation)

        assert MARKED in heard.warnings[0]

    def test_it_says_when_it_could_not_be_marked(
        self,
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
        hanging: Callable[[httpx.Request], httpx.Response],
    ) -> None:
        made = ok(sandbox(creation.request_id, state="creating"))
        wire.on(POST, hanging).on(BY_NAME, made)
        wire.on(REMOVE, refused(403, "Forbidden")).on(LABELS, refused(403, "Forbidden"))

        self.interrupt(creation)

        assert "nor could it be marked as unfinished: " in heard.warnings[0]
        assert heard.warnings[1:] == [TO_REMOVE]

    def test_one_whose_removal_takes_long_is_being_removed(
        self,
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
        hanging: Callable[[httpx.Request], httpx.Response],
    ) -> None:
        made = ok(sandbox(creation.request_id, state="creating"))
        wire.on(POST, hanging).on(BY_NAME, made).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, *[ok(sandbox(state="destroying"))] * 10)

        self.interrupt(creation)

        assert heard.warnings[0].endswith("; it is being removed")
