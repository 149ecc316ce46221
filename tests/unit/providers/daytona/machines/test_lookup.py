"""Looking a machine up by its name, while Daytona's cache is wrong about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotFound, Os2Error, Unreachable
from os2cli.core.models import Command, LogRequest, MachineState, Streams
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from tests.clock import Time
from tests.unit.providers.daytona.answers import SANDBOX, sandbox
from tests.unit.providers.daytona.sandbox_answers import (
    BY_ID,
    BY_NAME,
    ID,
    LIST,
    REMOVE,
    none,
    not_found,
    page,
    state,
)
from tests.unit.providers.daytona.wires import ACCESS, Wire, line_of, ok, refused

OLD, RENAMED = "00000000-0000-4000-8000-000000000001", f"DESTROYED_{SANDBOX}_1768159845"
OLD_BY_ID = f"GET /sandbox/{OLD}"
Act = Callable[[DaytonaMachines], Any]


def old(**changes: Any) -> dict[str, Any]:
    """Return the former sandbox of that name."""
    return sandbox(**{"id": OLD, "createdAt": "2026-01-10T00:00:00.000Z", **changes})


class TestAnAnswerThatIsWrong:
    @pytest.mark.parametrize(
        "by_name",
        [
            not_found(),
            ok(old(state="destroying")),
            ok(old(state="destroyed")),
            ok(old(state="destroying", name=RENAMED)),
        ],
        ids=["404", "destroying", "destroyed", "renamed"],
    )
    def test_is_not_believed_until_the_list_agrees(
        self, by_name: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, by_name).on(LIST, page(sandbox())).on(BY_ID, state("stopped"))

        machine = machines.get("dev-1")

        assert (machine.id, machine.state) == (ID, MachineState.STOPPED)
        query = dict(wire.requests[1].url.params)
        assert query == {"limit": "200", "name": SANDBOX}

    @pytest.mark.parametrize("order", [1, -1], ids=["new first", "old first"])
    def test_of_two_in_the_list_the_new_one_counts(
        self, order: int, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, not_found()).on(LIST, page(*[sandbox(), old()][::order]))
        wire.on(BY_ID, state("started"))

        assert machines.get("dev-1").id == ID

    @pytest.mark.parametrize(
        "newer", [not_found(), ok(sandbox(state="destroying", name=RENAMED))], ids=["gone", "ends"]
    )
    def test_of_two_in_the_list_the_one_that_lives_counts(
        self, newer: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, not_found()).on(LIST, page(old(), sandbox())).on(BY_ID, newer)
        wire.on(OLD_BY_ID, ok(old()))

        assert machines.get("dev-1").id == OLD

    def test_others_that_begin_like_it_are_not_it(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        others = [sandbox(id=str(n), name=name) for n, name in enumerate((f"{SANDBOX}2", "x"))]
        wire.on(BY_NAME, not_found()).on(LIST, page(*others))

        with pytest.raises(NotFound):
            machines.get("dev-1")

    def test_a_list_that_is_behind_is_not_believed(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, not_found()).on(LIST, page(sandbox()))
        wire.on(BY_ID, ok(sandbox(state="destroying", name=RENAMED)))

        with pytest.raises(NotFound):
            machines.get("dev-1")

    def test_one_that_is_being_removed_is_so_if_there_is_no_other(
        self, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("destroying")).on(LIST, none())

        assert machines.get("dev-1").state is MachineState.REMOVING

    def test_without_a_list_it_stays_unknown(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, not_found()).on(LIST, *[refused(503)] * 4)

        with pytest.raises(Unreachable):
            machines.get("dev-1")

    def test_a_right_one_costs_no_more(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started"))

        machines.get("dev-1")

        assert wire.lines == [BY_NAME]


class TestTheIdThatIsKnown:
    def test_is_asked_for_from_then_on(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, not_found()).on(LIST, page(sandbox()))
        wire.on(BY_ID, *[state("started")] * 3)

        for _ in range(3):
            machines.get("dev-1")

    @pytest.mark.parametrize("gone", [not_found(), state("destroying"), state("destroyed")])
    def test_is_given_up_when_another_machine_has_the_name(
        self, gone: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("started")).on(BY_ID, gone).on(BY_NAME, not_found())
        wire.on(LIST, page(old())).on(OLD_BY_ID, ok(old()), ok(old()))

        assert machines.get("dev-1").id == ID
        assert machines.get("dev-1").id == OLD
        assert machines.get("dev-1").id == OLD


ACTS: dict[str, Act] = {
    "show": lambda machines: machines.get("dev-1"),
    "start": lambda machines: machines.start("dev-1", 5),
    "stop": lambda machines: machines.stop("dev-1", 5),
    "archive": lambda machines: machines.archive("dev-1", 5),
    "rm": lambda machines: machines.remove("dev-1"),
    "undo": lambda machines: machines.remove("dev-1", 5),
    "exec": lambda machines: machines.execute(
        "dev-1", Command(("true",)), Streams(BytesIO(), BytesIO())
    ),
    "logs": lambda machines: list(machines.logs("dev-1", LogRequest())),
    "logs --service": lambda machines: list(machines.logs("dev-1", LogRequest("a"))),
    "tail": lambda machines: machines.log_tail("dev-1", 5),
    "cp to it": lambda machines: machines.send("dev-1", BytesIO(), "/"),
    "cp from it": lambda machines: list(machines.fetch("dev-1", "/x")),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_each_act_addresses_the_sandbox_by_its_id(act: Act, time: Time) -> None:
    hidden = _Hidden()
    client = DaytonaClient(ACCESS, transport=hidden, clock=time.clock)

    # The scripted sandbox has nothing inside.
    with suppress(Os2Error):
        act(DaytonaMachines(client, "dev-jonas", Path("/nowhere")))

    assert hidden.lines[:3] == [BY_NAME, LIST, BY_ID]
    assert not [line for line in hidden.lines[1:] if SANDBOX in line]
    assert hidden.lines[3:] or act in (ACTS["show"], ACTS["start"])


class _Hidden(httpx.BaseTransport):
    """An API whose cache hides a running sandbox's name; everything else fails."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = line_of(request)
        self.lines.append(line)
        answers: dict[str, Callable[[], httpx.Response]] = {
            BY_NAME: not_found,
            LIST: lambda: page(sandbox()),
            BY_ID: lambda: not_found() if REMOVE in self.lines else ok(sandbox()),
            REMOVE: lambda: httpx.Response(200),
        }
        return answers.get(line, lambda: refused(400, "no"))()
