"""A create whose answer gets lost, or whose start fails: made once, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from os2cli.core.errors import OperationFailed
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.machines.creation import SandboxCreation
from tests.clock import Time
from tests.progress import RecordedProgress
from tests.unit.providers.daytona.answers import SANDBOX, sandbox
from tests.unit.providers.daytona.sandbox_answers import (
    BY_ID,
    BY_NAME,
    ID,
    LIST,
    POST,
    REMOVE,
    failure,
    marked,
    none,
    not_found,
)
from tests.unit.providers.daytona.wires import Wire, lost, ok, refused

Create = Callable[[], Any]


class TestLostAnswer:
    @pytest.mark.parametrize(
        "answer", [lost(), httpx.ReadTimeout("late"), refused(502), refused(504)]
    )
    def test_that_took_is_found_by_name(
        self, answer: Any, creation: SandboxCreation, wire: Wire, time: Time
    ) -> None:
        made = sandbox(creation.request_id, state="creating")
        wire.on(POST, answer).on(BY_NAME, ok(made))

        assert creation.create().id == ID
        assert time.slept == []

    def test_that_took_is_found_in_the_list_where_the_name_is_hidden(
        self, creation: SandboxCreation, wire: Wire, time: Time
    ) -> None:
        made = sandbox(creation.request_id)
        wire.on(POST, lost()).on(BY_NAME, not_found()).on(LIST, none())
        wire.on(BY_NAME, not_found()).on(LIST, ok({"items": [made]})).on(BY_ID, ok(made))

        assert creation.create().id == ID
        assert wire.requests[-2].url.params["name"] == SANDBOX
        assert time.slept == [1]

    def test_that_took_is_found_by_its_label_where_another_has_the_name(
        self, creation: SandboxCreation, wire: Wire
    ) -> None:
        other, made = ok(sandbox("another request")), sandbox(creation.request_id)
        wire.on(POST, lost()).on(BY_NAME, other).on(LIST, ok({"items": [made]}))

        assert creation.create().id == ID
        assert json.loads(wire.last.url.params["labels"]) == {
            "dev.os2.request": creation.request_id
        }

    def test_that_took_is_found_on_older_servers_too(
        self, creation: SandboxCreation, wire: Wire
    ) -> None:
        made = sandbox(creation.request_id)
        wire.on(POST, lost()).on(BY_NAME, not_found()).on(LIST, ok([made]))
        wire.on(BY_ID, ok(made))

        assert creation.create().id == ID

    def test_another_sandbox_of_that_name_is_not_ours(
        self, creation: SandboxCreation, wire: Wire
    ) -> None:
        other = ok(sandbox("another request"))
        wire.on(POST, lost())
        for _ in range(4):
            wire.on(BY_NAME, other).on(LIST, none())
        wire.on(POST, refused(409, "exists")).on(BY_NAME, other).on(LIST, none())

        assert failure(creation).code == "machine_exists"

    def test_that_did_not_take_is_tried_again(
        self, creation: SandboxCreation, wire: Wire, time: Time
    ) -> None:
        wire.on(POST, lost())
        for _ in range(4):
            wire.on(BY_NAME, not_found()).on(LIST, none())
        wire.on(POST, ok(sandbox()))

        assert creation.create().id == ID
        assert time.slept == [1, 1, 1]
        first, second = (r.content for r in wire.requests if r.method == "POST")
        assert json.loads(first) == json.loads(second)

    def test_that_took_late_is_ours_when_the_next_try_meets_it(
        self, creation: SandboxCreation, wire: Wire
    ) -> None:
        wire.on(POST, lost())
        for _ in range(4):
            wire.on(BY_NAME, not_found()).on(LIST, none())
        wire.on(POST, refused(409, "exists")).on(BY_NAME, ok(sandbox(creation.request_id)))

        assert creation.create().id == ID

    def test_fails_after_three_of_them(self, creation: SandboxCreation, wire: Wire) -> None:
        for _ in range(3):
            wire.on(POST, lost())
            for _ in range(4):
                wire.on(BY_NAME, not_found()).on(LIST, none())

        error = failure(creation)

        assert (type(error), error.exit_code, error.code) == (LostAnswer, 8, "answer_lost")
        assert "os2 machine rm dev-1" in (error.hint or "")

    @pytest.mark.parametrize("answer", [refused(403), ok({"no": "sandbox"})])
    def test_with_a_failed_search_is_unknown_and_not_repeated(
        self, answer: httpx.Response, creation: SandboxCreation, wire: Wire
    ) -> None:
        wire.on(POST, lost()).on(BY_NAME, answer)

        error = failure(creation)

        assert type(error) is LostAnswer
        assert "Connection reset by peer" in error.message
        assert "it may have been created nevertheless" in (error.hint or "")


class TestFailedStart:
    def fail(self, wire: Wire) -> Wire:
        return wire.on(POST, refused(400, "Sandbox failed to start: no such file"))

    def test_removes_what_it_left(
        self, creation: SandboxCreation, wire: Wire, heard: RecordedProgress, time: Time
    ) -> None:
        made = ok(sandbox(creation.request_id, state="error"))
        self.fail(wire).on(BY_NAME, made).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, ok(sandbox(state="destroying")), not_found())

        error = failure(creation)

        assert (type(error), error.code) == (OperationFailed, "request_refused")
        assert "failed to start: no such file" in error.message
        assert (heard.warnings, time.slept) == ([], [0.5])

    def test_that_left_nothing_removes_nothing(
        self, creation: SandboxCreation, wire: Wire, heard: RecordedProgress
    ) -> None:
        self.fail(wire).on(BY_NAME, not_found()).on(LIST, none())

        assert "failed to start" in failure(creation).message
        assert heard.warnings == []

    def test_does_not_remove_another_sandbox(self, creation: SandboxCreation, wire: Wire) -> None:
        self.fail(wire).on(BY_NAME, ok(sandbox("another request"))).on(LIST, none())

        assert "failed to start" in failure(creation).message

    def test_that_can_not_be_removed_says_what_to_do(
        self, creation: SandboxCreation, wire: Wire, heard: RecordedProgress
    ) -> None:
        made = ok(sandbox(creation.request_id, state="error"))
        self.fail(wire).on(BY_NAME, made).on(REMOVE, refused(403, "Forbidden"))
        marked(wire)

        assert "failed to start" in failure(creation).message
        assert heard.warnings[0].startswith("machine dev-1 still exists: ")
        assert "os2 machine rm dev-1 --type daytona --stage dev-jonas" in heard.warnings[1]

    def test_that_can_not_be_found_warns(
        self, creation: SandboxCreation, wire: Wire, heard: RecordedProgress
    ) -> None:
        self.fail(wire).on(BY_NAME, refused(500))

        assert "failed to start" in failure(creation).message
        assert heard.warnings[0].startswith("machine dev-1 may still exist: ")
