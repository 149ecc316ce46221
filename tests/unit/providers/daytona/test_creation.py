"""Making a machine's sandbox: exactly what is asked for, and once, whatever is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from os2cli import __version__
from os2cli.errors import Conflict, NotAuthorised, NotFound, OperationFailed, Os2Error
from os2cli.models import Lifetime, MachineSpec
from os2cli.providers.daytona.client import DaytonaClient
from os2cli.providers.daytona.creation import SandboxCreation
from os2cli.providers.daytona.refusals import LostAnswer
from tests.unit.providers.daytona.answers import SANDBOX, SNAPSHOT_NAME, SPEC, sandbox
from tests.unit.providers.daytona.wires import ACCESS, Heard, Time, Wire, lost, ok, refused

ID = sandbox()["id"]
POST, BY_NAME, LIST = "POST /sandbox", f"GET /sandbox/{SANDBOX}", "GET /sandbox"
REMOVE, BY_ID = f"DELETE /sandbox/{ID}", f"GET /sandbox/{ID}"
Create = Callable[[], Any]


@pytest.fixture
def creation(client: DaytonaClient, heard: Heard) -> SandboxCreation:
    return SandboxCreation(client, SPEC, heard)


def failure(creation: SandboxCreation) -> Os2Error:
    with pytest.raises(Os2Error) as caught:
        creation.create()
    assert caught.value.hint
    return caught.value


def not_found() -> httpx.Response:
    return refused(404, f"Sandbox with ID or name {SANDBOX} not found")


def none() -> httpx.Response:
    return ok({"items": [], "nextCursor": None})


class TestBody:
    def asked(self, spec: MachineSpec, wire: Wire, target: str | None = None) -> dict[str, Any]:
        creation = SandboxCreation(
            DaytonaClient(replace(ACCESS, target=target), transport=wire), spec, Heard()
        )
        wire.on(POST, ok(sandbox()))
        creation.create()
        body: dict[str, Any] = json.loads(wire.last.content)
        assert body["labels"].pop("dev.os2.request") == creation.request_id
        return body

    def test_holds_everything_and_nothing_else(self, wire: Wire) -> None:
        body = self.asked(SPEC, wire)

        created = body["labels"].pop("dev.os2.created")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
        assert body == {
            "name": "dev-jonas--dev-1",
            "snapshot": SNAPSHOT_NAME,
            "env": {
                "OS2_MACHINE_NAME": "dev-1",
                "OS2_SNAPSHOT": SNAPSHOT_NAME,
                "TOKEN": "hush-hush",
            },
            "labels": {
                "dev.os2.machine": "1",
                "dev.os2.name": "dev-1",
                "dev.os2.stage": "dev-jonas",
                "dev.os2.type": "daytona",
                "dev.os2.snapshot": SNAPSHOT_NAME,
                "dev.os2.owner": "jonas@laptop",
                "dev.os2.version": __version__,
                "dev.os2.labels": '["team"]',
                "team": "core",
            },
            "public": False,
        }

    @pytest.mark.parametrize(
        ("lifetime", "expected"),
        [
            (Lifetime(stop=0), {"autoStopInterval": 0}),
            (Lifetime(archive=0), {"autoArchiveInterval": 0}),
            (Lifetime(delete=0), {"autoDeleteInterval": 0}),
            (
                Lifetime(stop=30, archive=60, delete=-1),
                {"autoStopInterval": 30, "autoArchiveInterval": 60, "autoDeleteInterval": -1},
            ),
        ],
    )
    def test_lifetimes_are_passed_on_also_when_they_are_nothing(
        self, lifetime: Lifetime, expected: dict[str, int], wire: Wire
    ) -> None:
        body = self.asked(replace(SPEC, lifetime=lifetime), wire)

        assert {key: body[key] for key in body if key.startswith("auto")} == expected

    def test_who_may_reach_it_and_where_it_is_are_passed_on(self, wire: Wire) -> None:
        body = self.asked(replace(SPEC, public=True), wire, target="eu")

        assert (body["public"], body["target"]) == (True, "eu")

    def test_labels_of_ours_can_not_be_overruled_but_variables_can(self, wire: Wire) -> None:
        spec = replace(
            SPEC, labels={"dev.os2.machine": "0"}, env={"OS2_MACHINE_NAME": "x", "EMPTY": ""}
        )

        body = self.asked(spec, wire)

        assert body["labels"]["dev.os2.machine"] == "1"
        assert (body["env"]["OS2_MACHINE_NAME"], body["env"]["EMPTY"]) == ("x", "")


class TestRefused:
    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (refused(400, "Total CPU limit exceeded."), OperationFailed, "quota_exceeded"),
            (refused(400, "No available runners"), OperationFailed, "no_runner"),
            (refused(400, "env must be an object"), OperationFailed, "request_refused"),
            (refused(400, f"Snapshot {SNAPSHOT_NAME} not found."), NotFound, "snapshot_not_found"),
            (refused(400, f"Snapshot {SNAPSHOT_NAME} is inactive"), Conflict, "snapshot_inactive"),
            (refused(401, "Invalid credentials"), NotAuthorised, "key_invalid"),
            (refused(403, "Forbidden"), NotAuthorised, "not_permitted"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_told_as_it_is_and_nothing_is_looked_for(
        self,
        answer: httpx.Response,
        kind: type[Os2Error],
        code: str,
        creation: SandboxCreation,
        wire: Wire,
        heard: Heard,
    ) -> None:
        wire.on(POST, answer)

        error = failure(creation)

        assert (type(error), error.code) == (kind, code)
        assert heard.warnings == heard.notices == []

    def test_the_missing_permission_is_named(self, creation: SandboxCreation, wire: Wire) -> None:
        wire.on(POST, refused(403, "Forbidden"))

        assert failure(creation).details == {"permission": "write:sandboxes"}

    def test_values_of_variables_are_not_shown(self, creation: SandboxCreation, wire: Wire) -> None:
        wire.on(POST, refused(400, ["env.TOKEN must not be hush-hush"]))

        assert failure(creation).message.endswith("env.TOKEN must not be •••")


class TestTaken:
    def taken(self, wire: Wire, existing: httpx.Response, message: str = "exists") -> None:
        wire.on(POST, refused(409, message)).on(BY_NAME, existing).on(LIST, none())
        wire.on(BY_NAME, existing)

    def test_by_a_machine(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, ok(sandbox("another request")))

        error = failure(creation)

        assert (type(error), error.code) == (Conflict, "machine_exists")
        assert error.message == "machine dev-1 exists already in stage dev-jonas"
        assert "os2 machine show dev-1" in (error.hint or "")

    def test_by_a_sandbox_that_is_not_ours(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, ok(sandbox(labels={})))

        error = failure(creation)

        assert (type(error), error.code) == (Conflict, "name_taken")
        assert error.message == f"a sandbox named {SANDBOX} exists that os2 did not make"

    def test_by_one_that_the_cache_still_hides(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, not_found())

        assert failure(creation).code == "machine_exists"

    def test_because_it_is_being_changed(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, not_found(), "Sandbox state change in progress")

        error = failure(creation)

        assert (error.code, "try again" in (error.hint or "")) == ("conflict", True)


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

    def test_that_took_is_found_by_its_label_where_the_name_is_hidden(
        self, creation: SandboxCreation, wire: Wire, time: Time
    ) -> None:
        made = sandbox(creation.request_id)
        wire.on(POST, lost()).on(BY_NAME, not_found()).on(LIST, none())
        wire.on(BY_NAME, not_found()).on(LIST, ok({"items": [made]}))

        assert creation.create().id == ID
        assert json.loads(wire.last.url.params["labels"]) == {
            "dev.os2.request": creation.request_id
        }
        assert time.slept == [1]

    def test_that_took_is_found_on_older_servers_too(
        self, creation: SandboxCreation, wire: Wire
    ) -> None:
        made = sandbox(creation.request_id)
        wire.on(POST, lost()).on(BY_NAME, not_found()).on(LIST, ok([made]))

        assert creation.create().id == ID

    def test_somebody_elses_of_that_name_is_not_ours(
        self, creation: SandboxCreation, wire: Wire
    ) -> None:
        other = ok(sandbox("another request"))
        wire.on(POST, lost())
        for _ in range(4):
            wire.on(BY_NAME, other).on(LIST, none())
        wire.on(POST, refused(409, "exists")).on(BY_NAME, other).on(LIST, none()).on(BY_NAME, other)

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

    def test_is_told_after_three_of_them(self, creation: SandboxCreation, wire: Wire) -> None:
        for _ in range(3):
            wire.on(POST, lost())
            for _ in range(4):
                wire.on(BY_NAME, not_found()).on(LIST, none())

        error = failure(creation)

        assert (type(error), error.exit_code, error.code) == (LostAnswer, 8, "answer_lost")
        assert "os2 machine rm dev-1" in (error.hint or "")

    @pytest.mark.parametrize("answer", [refused(500), refused(403), ok({"no": "sandbox"})])
    def test_and_nobody_who_knows_is_told_and_nothing_is_made_twice(
        self, answer: httpx.Response, creation: SandboxCreation, wire: Wire
    ) -> None:
        wire.on(POST, lost()).on(BY_NAME, answer)

        error = failure(creation)

        assert type(error) is LostAnswer
        assert "Connection reset by peer" in error.message
        assert "it may have been made all the same" in (error.hint or "")


class TestFailedStart:
    def fail(self, wire: Wire) -> Wire:
        return wire.on(POST, refused(400, "Sandbox failed to start: no such file"))

    def test_removes_what_it_left(
        self, creation: SandboxCreation, wire: Wire, heard: Heard, time: Time
    ) -> None:
        made = ok(sandbox(creation.request_id, state="error"))
        self.fail(wire).on(BY_NAME, made).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, ok(sandbox(state="destroying")), not_found())

        error = failure(creation)

        assert (type(error), error.code) == (OperationFailed, "request_refused")
        assert "failed to start: no such file" in error.message
        assert (heard.warnings, time.slept) == ([], [0.5])

    def test_that_left_nothing_removes_nothing(
        self, creation: SandboxCreation, wire: Wire, heard: Heard
    ) -> None:
        self.fail(wire).on(BY_NAME, not_found()).on(LIST, none())

        assert "failed to start" in failure(creation).message
        assert heard.warnings == []

    def test_does_not_remove_somebody_elses(self, creation: SandboxCreation, wire: Wire) -> None:
        self.fail(wire).on(BY_NAME, ok(sandbox("another request"))).on(LIST, none())

        assert "failed to start" in failure(creation).message

    def test_that_can_not_be_removed_is_told_with_what_to_do(
        self, creation: SandboxCreation, wire: Wire, heard: Heard
    ) -> None:
        made = ok(sandbox(creation.request_id, state="error"))
        self.fail(wire).on(BY_NAME, made).on(REMOVE, refused(403, "Forbidden"))

        assert "failed to start" in failure(creation).message
        assert heard.warnings[0].startswith("machine dev-1 is still there: ")
        assert "os2 machine rm dev-1 --type daytona --stage dev-jonas" in heard.warnings[1]

    def test_that_can_not_be_looked_for_is_told_too(
        self, creation: SandboxCreation, wire: Wire, heard: Heard
    ) -> None:
        self.fail(wire).on(BY_NAME, refused(500))

        assert "failed to start" in failure(creation).message
        assert heard.warnings[0].startswith("machine dev-1 may still be there: ")
