"""Machines over the wire: lists, look-ups, and changes that are asked for and then waited for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from os2cli.errors import Conflict, NotAuthorised, NotFound, OperationFailed, TimedOut, UsageError
from os2cli.models import Health, Machine, MachineState, MachineType
from os2cli.providers.daytona.client import DaytonaClient
from os2cli.providers.daytona.machines import DaytonaMachines
from tests.unit.providers.daytona.answers import SANDBOX, SNAPSHOT_NAME, SPEC, sandbox
from tests.unit.providers.daytona.wires import Time, Wire, ok, refused

ID = sandbox()["id"]
LIST, BY_NAME, BY_ID = "GET /sandbox", f"GET /sandbox/{SANDBOX}", f"GET /sandbox/{ID}"
REMOVE, START, STOP = (
    f"DELETE /sandbox/{ID}",
    f"POST /sandbox/{ID}/start",
    f"POST /sandbox/{ID}/stop",
)


@pytest.fixture
def machines(client: DaytonaClient) -> DaytonaMachines:
    return DaytonaMachines(client, "dev-jonas")


def state(name: str, **changes: Any) -> httpx.Response:
    return ok(sandbox(state=name, **changes))


def busy() -> httpx.Response:
    return refused(409, "Sandbox state change in progress")


def named(machine: str, **changes: Any) -> dict[str, Any]:
    labels = {**sandbox()["labels"], "dev.os2.name": machine}
    return sandbox(id=f"id-{machine}", labels=labels, **changes)


def page(*items: Any, cursor: str | None = None) -> httpx.Response:
    return ok({"items": list(items), "nextCursor": cursor})


def names(found: list[Machine]) -> list[str]:
    return [machine.name for machine in found]


class TestList:
    def test_asks_for_ours_alone(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(LIST, page(named("a")))

        assert names(machines.list()) == ["a"]
        query = dict(wire.last.url.params)
        assert (json.loads(query.pop("labels")), query) == (
            {"dev.os2.machine": "1"},
            {"limit": "200"},
        )

    def test_follows_pages_and_sorts(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(
            LIST, page(named("c"), cursor="2+/="), page(named("a"), cursor="3"), page(named("b"))
        )

        assert names(machines.list()) == ["a", "b", "c"]
        assert [r.url.params.get("cursor") for r in wire.requests] == [None, "2+/=", "3"]

    def test_takes_the_bare_array_of_older_servers(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(LIST, ok([named("a"), sandbox(labels={})]))

        assert names(machines.list()) == ["a"]

    def test_leaves_out_what_is_foreign_gone_or_unreadable(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        foreign = [sandbox(labels={}), sandbox(labels={"dev.os2.machine": "0"})]
        gone = named("gone", state="destroyed")
        wire.on(LIST, page(*foreign, gone, None, "text", {"labels": {}}, named("a")))

        assert names(machines.list()) == ["a"]

    def test_names_each_once_in_its_latest_state(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(LIST, page(named("a", state="starting"), cursor="2"), page(named("a")))

        assert [(m.name, m.state) for m in machines.list()] == [("a", MachineState.RUNNING)]

    def test_has_machines_of_every_stage(self, client: DaytonaClient, wire: Wire) -> None:
        other = named("a", name="prd--a")
        other["labels"]["dev.os2.stage"] = "prd"
        wire.on(LIST, page(named("a"), {**other, "id": "2"}))

        found = DaytonaMachines(client, None).list()

        assert [(m.name, m.stage) for m in found] == [("a", "dev-jonas"), ("a", "prd")]

    def test_a_cursor_that_never_ends_ends(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(LIST, *[page(cursor="again")] * 500)

        assert machines.list() == []


class TestGet:
    def test_by_the_name_in_its_stage(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, ok(sandbox(public=True)))

        machine = machines.get("dev-1")

        assert machine == Machine(
            id=ID,
            name="dev-1",
            type=MachineType.DAYTONA,
            stage="dev-jonas",
            state=MachineState.RUNNING,
            snapshot=SNAPSHOT_NAME,
            owner="jonas@laptop",
            created=datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC),
            labels={"team": "core"},
            health=Health.NONE,
            public=True,
        )

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            *[(name, MachineState.CREATING) for name in ("creating", "restoring", "starting")],
            *[(name, MachineState.CREATING) for name in ("resuming", "pending_build")],
            *[(name, MachineState.CREATING) for name in ("building_snapshot", "pulling_snapshot")],
            *[(name, MachineState.RUNNING) for name in ("started", "resizing", "snapshotting")],
            *[(name, MachineState.PAUSED) for name in ("pausing", "paused")],
            *[(name, MachineState.STOPPED) for name in ("stopping", "stopped")],
            *[(name, MachineState.STOPPED) for name in ("archiving", "archived")],
            *[(name, MachineState.FAILED) for name in ("error", "build_failed")],
            ("destroying", MachineState.REMOVING),
            *[(name, MachineState.UNKNOWN) for name in ("unknown", "dreaming", "")],
        ],
    )
    def test_knows_every_state(
        self, state: str, expected: MachineState, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, ok(sandbox(state=state)))

        assert machines.get("dev-1").state is expected

    @pytest.mark.parametrize("labels", ["no json", "7", "null", '["gone"]', '[["x"]]', "[7]"])
    def test_strange_labels_do_no_harm(
        self, labels: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        marks = {"dev.os2.machine": "1", "dev.os2.labels": labels}
        wire.on(BY_NAME, ok(sandbox(labels=marks)))

        machine = machines.get("dev-1")

        assert (machine.name, machine.stage, machine.labels) == (SANDBOX, "", {})

    @pytest.mark.parametrize(
        "answer",
        [refused(404), ok(sandbox(labels={})), state("destroyed")],
        ids=["missing", "foreign", "destroyed"],
    )
    def test_what_is_not_there_is_told(
        self, answer: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, answer)

        with pytest.raises(NotFound, match="no machine named dev-1 in stage dev-jonas") as caught:
            machines.get("dev-1")
        assert caught.value.code == "machine_not_found"

    def test_without_a_stage_there_are_no_names(self, client: DaytonaClient, wire: Wire) -> None:
        with pytest.raises(UsageError, match="no stage is set") as caught:
            DaytonaMachines(client, None).get("dev-1")

        assert (caught.value.code, wire.requests) == ("stage_missing", [])

    def test_after_a_create_asks_by_id_until_it_is_removed(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        """For seconds a name that was free just now is missing by name."""
        wire.on("POST /sandbox", state("creating")).on(BY_ID, state("started"), state("started"))
        wire.on(REMOVE, httpx.Response(200)).on(BY_ID, refused(404)).on(BY_NAME, refused(404))

        assert machines.create(SPEC).state is MachineState.CREATING
        assert machines.get("dev-1").state is MachineState.RUNNING
        assert machines.remove("dev-1")
        with pytest.raises(NotFound):
            machines.get("dev-1")


class TestRemove:
    def test_waits_until_it_is_gone(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, state("destroying"), state("destroying"), refused(404))

        assert machines.remove("dev-1") is True
        assert time.slept == [0.5, 0.5]

    def test_destroyed_counts_as_gone(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, state("destroyed"))

        assert machines.remove("dev-1") is True

    @pytest.mark.parametrize(
        "answer", [refused(404), ok(sandbox(labels={}))], ids=["missing", "foreign"]
    )
    def test_of_what_is_not_there_removes_nothing(
        self, answer: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, answer)

        assert machines.remove("dev-1") is False

    def test_that_somebody_else_was_quicker_with_is_done(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, refused(404)).on(BY_ID, refused(404))

        assert machines.remove("dev-1") is True

    def test_insists_while_another_change_is_under_way(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("starting")).on(REMOVE, busy(), busy(), httpx.Response(200))
        wire.on(BY_ID, refused(404))

        assert machines.remove("dev-1") is True
        assert time.slept == [0.5, 0.5]

    def test_gives_up_insisting(self, machines: DaytonaMachines, wire: Wire, time: Time) -> None:
        wire.on(BY_NAME, state("starting")).on(REMOVE, *[busy()] * 181)

        with pytest.raises(TimedOut, match=r"within 90 s: .*state change in progress") as caught:
            machines.remove("dev-1")

        assert (caught.value.exit_code, sum(time.slept)) == (6, 90)
        assert caught.value.hint

    def test_gives_up_waiting_at_its_deadline(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, *[state("destroying")] * 7)

        with pytest.raises(TimedOut, match="removing machine dev-1 was not done within 3 s"):
            machines.remove("dev-1", within=3)

        assert sum(time.slept) == 3

    def test_says_which_permission_is_missing(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, refused(403))

        with pytest.raises(NotAuthorised) as caught:
            machines.remove("dev-1")
        assert caught.value.details == {"permission": "delete:sandboxes"}


class TestChange:
    def test_a_start_waits_until_it_runs(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("archived")).on(START, busy(), ok(sandbox(state="starting")))
        wire.on(BY_ID, state("restoring"), state("starting"), state("started"))

        assert machines.start("dev-1").state is MachineState.RUNNING
        assert time.slept == [0.5, 0.5, 0.5]

    def test_a_stop_waits_until_it_has_stopped(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("started")).on(STOP, ok(sandbox(state="stopping")))
        wire.on(BY_ID, state("started"), state("stopping"), state("stopped"))

        assert machines.stop("dev-1").state is MachineState.STOPPED
        assert time.slept == [0.5, 0.5]

    @pytest.mark.parametrize("after", [refused(404), state("destroying"), state("destroyed")])
    def test_a_stop_of_one_that_is_removed_then_is_done(
        self, after: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("started")).on(STOP, ok({})).on(BY_ID, state("stopping"), after)

        assert machines.stop("dev-1").state is MachineState.REMOVING

    def test_what_is_so_already_is_left_alone(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started"), state("stopped"), state("archived"))

        assert machines.start("dev-1").state is MachineState.RUNNING
        assert machines.stop("dev-1").state is MachineState.STOPPED
        assert machines.stop("dev-1").state is MachineState.STOPPED

    @pytest.mark.parametrize(
        ("reason", "said"), [("no such image", "no such image"), (None, "gives no reason")]
    )
    def test_a_failure_is_told_with_its_reason(
        self, reason: str | None, said: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("stopped")).on(START, ok({}))
        wire.on(BY_ID, state("starting"), state("error", errorReason=reason))

        with pytest.raises(
            OperationFailed, match=f"starting machine dev-1 failed: .*{said}"
        ) as caught:
            machines.start("dev-1")
        assert caught.value.code == "machine_ended"
        assert "os2 machine rm dev-1" in (caught.value.hint or "")

    def test_one_that_never_comes_about_is_told(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("stopped")).on(START, ok({})).on(BY_ID, *[state("starting")] * 181)

        with pytest.raises(TimedOut, match="starting machine dev-1 was not done within 90 s"):
            machines.start("dev-1")
        assert sum(time.slept) == 90

    @pytest.mark.parametrize(("verb", "line"), [("start", START), ("stop", STOP)])
    def test_says_which_permission_is_missing(
        self, verb: str, line: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("paused")).on(line, refused(403))

        with pytest.raises(NotAuthorised) as caught:
            getattr(machines, verb)("dev-1")
        assert caught.value.details == {"permission": "write:sandboxes"}

    def test_an_inactive_snapshot_is_no_change_under_way(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("archived")).on(START, refused(400, "Snapshot x is inactive"))

        with pytest.raises(Conflict) as caught:
            machines.start("dev-1")
        assert (caught.value.code, time.slept) == ("snapshot_inactive", [])
