"""Creating a snapshot: exactly what is requested, and once even if the answer is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from os2cli.core.errors import Conflict, NotAuthorised, Os2Error
from os2cli.core.models import SnapshotState
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from tests.clock import Time
from tests.unit.providers.daytona.answers import (
    KEY_A,
    KEY_B,
    LOCAL,
    REMOTE,
    RESOURCES,
    SNAPSHOT_NAME,
    snapshot,
)
from tests.unit.providers.daytona.wires import ACCESS, Wire, lost, ok, refused

ID = snapshot()["id"]
NAME = SNAPSHOT_NAME
BY_NAME = f"GET /snapshots/{NAME}"


def failure(snapshots: DaytonaSnapshots) -> Os2Error:
    with pytest.raises(Os2Error) as caught:
        snapshots.create(NAME, REMOTE, RESOURCES)
    assert caught.value.hint
    return caught.value


class TestBody:
    def test_of_a_remote_build(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on("POST /snapshots", ok(snapshot(state="pending")))

        made = snapshots.create(NAME, REMOTE, RESOURCES)

        assert (made.id, made.state, made.key) == (ID, SnapshotState.PENDING, KEY_A)
        assert json.loads(wire.last.content) == {
            "name": NAME,
            "buildInfo": {"dockerfileContent": "FROM x\n", "contextHashes": ["c" * 64]},
            "cpu": 2,
            "memory": 4,
            "disk": 10,
        }

    def test_of_a_pushed_image_in_a_region(self, wire: Wire) -> None:
        snapshots = DaytonaSnapshots(DaytonaClient(replace(ACCESS, target="eu"), transport=wire))
        wire.on("POST /snapshots", ok(snapshot(imageName=LOCAL.image, buildInfo=None)))

        made = snapshots.create(NAME, LOCAL, RESOURCES)

        assert made.key == KEY_A
        assert json.loads(wire.last.content) == {
            "name": NAME,
            "imageName": f"cr.example/p/os2:1-key-{KEY_A}",
            "cpu": 2,
            "memory": 4,
            "disk": 10,
            "regionId": "eu",
        }


class TestRefused:
    def test_a_taken_name_is_a_conflict(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on("POST /snapshots", refused(409, f'Snapshot with name "{NAME}" already exists'))

        error = failure(snapshots)

        assert (type(error), error.exit_code, error.code) == (Conflict, 5, "snapshot_exists")
        assert error.message == f"snapshot {NAME} already exists"

    def test_a_missing_permission_is_named(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on("POST /snapshots", refused(403, "Forbidden"))

        assert failure(snapshots).details == {"permission": "write:snapshots"}

    def test_a_quota_is_reported(self, snapshots: DaytonaSnapshots, wire: Wire) -> None:
        wire.on("POST /snapshots", refused(400, "Snapshot quota exceeded. Maximum allowed: 100"))

        assert failure(snapshots).code == "quota_exceeded"


class TestLostAnswer:
    @pytest.mark.parametrize("answer", [lost(), httpx.ReadTimeout("late"), refused(503)])
    def test_that_took_is_found_by_its_name(
        self, answer: Any, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("POST /snapshots", answer)
        wire.on(BY_NAME, ok(snapshot(state="building")))

        assert snapshots.create(NAME, REMOTE, RESOURCES).state is SnapshotState.BUILDING

    def test_of_another_snapshot_is_a_conflict(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        other = snapshot(buildInfo={"dockerfileContent": f"# os2-key: {KEY_B}\n"})
        wire.on("POST /snapshots", lost()).on(BY_NAME, ok(other))

        error = failure(snapshots)

        assert (type(error), error.code) == (Conflict, "snapshot_exists")

    def test_that_did_not_take_is_tried_again(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("POST /snapshots", lost()).on(BY_NAME, refused(404))
        wire.on("POST /snapshots", ok(snapshot(state="pending")))

        assert snapshots.create(NAME, REMOTE, RESOURCES).state is SnapshotState.PENDING

    def test_that_took_late_is_ours_when_the_next_try_meets_it(
        self, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("POST /snapshots", lost()).on(BY_NAME, refused(404))
        wire.on("POST /snapshots", refused(409, "already exists")).on(BY_NAME, ok(snapshot()))

        assert snapshots.create(NAME, REMOTE, RESOURCES).id == ID

    @pytest.mark.parametrize(
        "found",
        [ok(snapshot(buildInfo=None)), refused(404)],
        ids=["somebody else's", "gone meanwhile"],
    )
    def test_and_a_conflict_with_another_is_one(
        self, found: httpx.Response, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("POST /snapshots", lost()).on(BY_NAME, refused(404))
        wire.on("POST /snapshots", refused(409, "already exists")).on(BY_NAME, found)

        assert failure(snapshots).code == "snapshot_exists"

    def test_fails_after_three_of_them(
        self, snapshots: DaytonaSnapshots, wire: Wire, time: Time
    ) -> None:
        for _ in range(3):
            wire.on("POST /snapshots", lost()).on(BY_NAME, refused(404))

        error = failure(snapshots)

        assert (type(error), error.exit_code, error.code) == (LostAnswer, 8, "answer_lost")
        assert time.slept == [0.3, 0.9, 2.7]

    @pytest.mark.parametrize("error", [refused(401), refused(403)])
    def test_with_a_failed_search_is_reported(
        self, error: httpx.Response, snapshots: DaytonaSnapshots, wire: Wire
    ) -> None:
        wire.on("POST /snapshots", lost()).on(BY_NAME, error)

        assert type(failure(snapshots)) is NotAuthorised
