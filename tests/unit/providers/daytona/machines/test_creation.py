"""Making a machine's sandbox: exactly what is asked for, and what a refusal says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from os2cli import __version__
from os2cli.core.errors import Conflict, NotAuthorised, NotFound, OperationFailed, Os2Error
from os2cli.core.models import Lifetime, MachineSpec
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.creation import SandboxCreation
from tests.clock import Time
from tests.progress import RecordedProgress
from tests.unit.providers.daytona.answers import SANDBOX, SNAPSHOT_NAME, SPEC, sandbox
from tests.unit.providers.daytona.sandbox_answers import (
    BY_NAME,
    LIST,
    POST,
    failure,
    none,
    not_found,
)
from tests.unit.providers.daytona.wires import ACCESS, Wire, ok, refused

Create = Callable[[], Any]


class TestBody:
    def asked(self, spec: MachineSpec, wire: Wire, target: str | None = None) -> dict[str, Any]:
        creation = SandboxCreation(
            DaytonaClient(replace(ACCESS, target=target), transport=wire), spec, RecordedProgress()
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


class TestTimeToLive:
    """Older APIs ignore it, without a message."""

    ENDS = "2026-01-12T19:30:45.000Z"

    def warnings(
        self, wire: Wire, client: DaytonaClient, spec: MachineSpec, **answer: Any
    ) -> list[str]:
        heard = RecordedProgress()
        wire.on(POST, ok(sandbox(**answer)))
        SandboxCreation(client, spec, heard).create()
        return heard.warnings

    def test_that_the_answer_does_not_confirm_is_a_warning(
        self, wire: Wire, client: DaytonaClient
    ) -> None:
        spec = replace(SPEC, expires=datetime(2026, 1, 12, 19, 30, 45, tzinfo=UTC))

        (warning,) = self.warnings(wire, client, spec)

        assert warning.startswith("--ttl: this Daytona does not end machine dev-1 by itself; ")
        assert warning.endswith("os2 machine prune --type daytona --stage dev-jonas")

    def test_that_the_answer_confirms_is_not(self, wire: Wire, client: DaytonaClient) -> None:
        spec = replace(SPEC, expires=datetime(2026, 1, 12, 19, 30, 45, tzinfo=UTC))

        assert self.warnings(wire, client, spec, autoDestroyAt=self.ENDS) == []

    def test_that_is_not_requested_is_not(self, wire: Wire, client: DaytonaClient) -> None:
        assert self.warnings(wire, client, SPEC) == []


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
    def test_is_reported_as_it_is_without_a_search(
        self,
        answer: httpx.Response,
        kind: type[Os2Error],
        code: str,
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
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

    def test_by_a_machine(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, ok(sandbox("another request")))

        error = failure(creation)

        assert (type(error), error.code) == (Conflict, "machine_exists")
        assert error.message == "machine dev-1 already exists in stage dev-jonas"
        assert "os2 machine rm dev-1" in (error.hint or "")

    def test_by_a_sandbox_that_is_not_ours(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, ok(sandbox(labels={})))

        error = failure(creation)

        assert (type(error), error.code) == (Conflict, "name_taken")
        assert error.message == f"sandbox {SANDBOX} already exists, but os2 did not create it"

    def test_by_one_that_the_cache_still_hides(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, not_found())

        assert failure(creation).code == "machine_exists"

    @pytest.mark.parametrize("labels", [{}, {"dev.os2.machine": "1"}], ids=["foreign", "ours"])
    @pytest.mark.parametrize("ending", ["destroying", "destroyed"])
    def test_by_one_that_is_being_removed_is_waited_for(
        self,
        ending: str,
        labels: dict[str, str],
        creation: SandboxCreation,
        wire: Wire,
        heard: RecordedProgress,
        time: Time,
    ) -> None:
        former = ok(sandbox(state=ending, labels=labels))
        for _ in range(2):
            wire.on(POST, refused(409, "exists")).on(BY_NAME, former).on(LIST, none(), none())
        wire.on(POST, ok(sandbox()))

        creation.create()

        assert time.slept == [1, 1]
        assert heard.states == ["waiting until the former machine dev-1 is gone"] * 2

    def test_by_one_whose_removal_never_ends(self, creation: SandboxCreation, wire: Wire) -> None:
        former = ok(sandbox(state="destroying"))
        for _ in range(61):
            wire.on(POST, refused(409, "exists")).on(BY_NAME, former).on(LIST, none(), none())

        error = failure(creation)

        assert (error.code, "is still being removed" in error.message) == ("machine_exists", True)

    def test_because_it_is_being_changed(self, creation: SandboxCreation, wire: Wire) -> None:
        self.taken(wire, not_found(), "Sandbox state change in progress")

        error = failure(creation)

        assert (error.code, "retry" in (error.hint or "")) == ("conflict", True)
