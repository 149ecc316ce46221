"""Machines over the wire: lists, look-ups, and changes that are asked for and then waited for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotFound, OperationFailed, UsageError
from os2cli.core.left_out import left_out
from os2cli.core.limits import Limits
from os2cli.core.models import DAYTONA, Health, Machine, MachineState
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from tests.unit.providers.daytona.answers import SANDBOX, SNAPSHOT_NAME, SPEC, sandbox
from tests.unit.providers.daytona.sandbox_answers import (
    BY_ID,
    BY_NAME,
    ID,
    LIST,
    REMOVE,
    named,
    names,
    page,
    state,
)
from tests.unit.providers.daytona.wires import Wire, ok, refused


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

    @pytest.mark.parametrize(
        ("bad", "thing"),
        [
            (None, "sandbox of no name"),
            ("text", "sandbox of no name"),
            ({"labels": {}}, "sandbox of no name"),
            ({"name": "stg--odd"}, "sandbox stg--odd"),
            ({"id": "odd", "name": 7}, "sandbox odd"),
            ({"id": 7, "name": "odd"}, "sandbox odd"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_what_cannot_be_read_on_any_page_is_known(
        self, machines: DaytonaMachines, wire: Wire, bad: Any, thing: str, place: int
    ) -> None:
        items = [[named("a")], [named("b")], [named("c")]]
        items[place].append(bad)
        cursors = ["2", "3", None]
        wire.on(LIST, *[page(*each, cursor=c) for each, c in zip(items, cursors, strict=True)])

        with left_out() as things:
            listed = machines.list()

        assert (names(listed), things) == (["a", "b", "c"], [thing])

    def test_names_each_once_in_its_latest_state(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(LIST, page(named("a", state="starting"), cursor="2"), page(named("a")))

        assert [(m.name, m.state) for m in machines.list()] == [("a", MachineState.RUNNING)]

    def test_has_machines_of_every_stage(self, client: DaytonaClient, wire: Wire) -> None:
        other = named("a", name="prd--a")
        other["labels"]["dev.os2.stage"] = "prd"
        wire.on(LIST, page(named("a"), {**other, "id": "2"}))

        found = DaytonaMachines(client, None, Path("/nowhere")).list()

        assert [(m.name, m.stage) for m in found] == [("a", "dev-jonas"), ("a", "prd")]

    def test_a_cursor_that_never_ends_ends(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(LIST, *[page(cursor="again")] * 500)

        with pytest.raises(OperationFailed, match="more than 500 pages"):
            machines.list()


class TestGet:
    def test_by_the_name_in_its_stage(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, ok(sandbox(public=True)))

        machine = machines.get("dev-1")

        assert machine == Machine(
            id=ID,
            name="dev-1",
            type=DAYTONA,
            stage="dev-jonas",
            state=MachineState.RUNNING,
            snapshot=SNAPSHOT_NAME,
            owner="jonas@laptop",
            created=datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC),
            labels={"team": "core"},
            health=Health.NONE,
            public=True,
            limits=Limits(cpus=4.0, memory_bytes=8 * 2**30, disk_bytes=10 * 2**30),
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
        if expected is MachineState.REMOVING:
            wire.on(LIST, page())

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
        ("answer", "believed"),
        [(refused(404), False), (ok(sandbox(labels={})), True), (state("destroyed"), False)],
        ids=["missing", "foreign", "destroyed"],
    )
    def test_a_missing_machine_is_not_found(
        self, answer: httpx.Response, believed: bool, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, answer)
        if not believed:
            wire.on(LIST, page())

        with pytest.raises(NotFound, match="machine dev-1 not found in stage dev-jonas") as caught:
            machines.get("dev-1")
        assert caught.value.code == "machine_not_found"

    def test_without_a_stage_there_are_no_names(self, client: DaytonaClient, wire: Wire) -> None:
        with pytest.raises(UsageError, match="no stage is set") as caught:
            DaytonaMachines(client, None, Path("/nowhere")).get("dev-1")

        assert (caught.value.code, wire.requests) == ("stage_missing", [])

    def test_after_a_create_asks_by_id_until_it_is_removed(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        """For seconds a name that was free just now is missing by name."""
        wire.on("POST /sandbox", state("creating")).on(BY_ID, state("started"), state("started"))
        wire.on(REMOVE, httpx.Response(200)).on(BY_ID, refused(404)).on(BY_NAME, refused(404))
        wire.on(LIST, page())

        assert machines.create(SPEC).state is MachineState.CREATING
        assert machines.get("dev-1").state is MachineState.RUNNING
        assert machines.remove("dev-1")
        with pytest.raises(NotFound):
            machines.get("dev-1")
