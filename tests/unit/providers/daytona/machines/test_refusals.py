"""What is said of a machine that does not run: in each of Daytona's states, by each command."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error
from os2cli.core.models import Command, LogRequest, Machine, MachineState, Streams, WaitTarget
from os2cli.host.tty import Terminal
from os2cli.machines.states import wait_for
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from tests.clock import Time
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.sandbox_answers import BY_ID, BY_NAME, ID, LIST, page, state
from tests.unit.providers.daytona.wires import Wire, ok

SPECIFICATION = Path(__file__).parents[4] / "data/daytona-openapi.json"
RECOVER = f"POST /sandbox/{ID}/recover"
Act = Callable[[DaytonaMachines, Machine], Any]

RUN = {"started", "resizing", "snapshotting"}
START = "start it: os2 machine start dev-1"
WAIT = "wait until it runs: os2 machine wait dev-1"
REMOVE = "it can't be started any more; remove it: os2 machine rm dev-1"
GONE = "list the machines: os2 machine list"
LOOK = "see its state: os2 machine show dev-1"
# What Daytona accepts in a state, or may soon accept.
HINTS = {
    **dict.fromkeys(("stopped", "stopping", "archived", "archiving", "paused", "pausing"), START),
    **dict.fromkeys(("creating", "starting", "restoring", "resuming"), WAIT),
    **dict.fromkeys(("pending_build", "building_snapshot", "pulling_snapshot"), WAIT),
    **dict.fromkeys(("error", "build_failed"), REMOVE),
    "destroying": GONE,
    **dict.fromkeys(("unknown", "forking"), LOOK),
}
ACTS: dict[str, Act] = {
    "exec": lambda machines, _: machines.execute(
        "dev-1", Command(("true",)), Streams(BytesIO(), BytesIO())
    ),
    "logs": lambda machines, _: list(machines.logs("dev-1", LogRequest())),
    "logs -f": lambda machines, _: list(machines.logs("dev-1", LogRequest(follow=True))),
    "logs --service": lambda machines, _: list(machines.logs("dev-1", LogRequest("a"))),
    "cp to it": lambda machines, _: machines.send("dev-1", BytesIO(), "/"),
    "cp from it": lambda machines, _: list(machines.fetch("dev-1", "/x")),
    "shell": lambda machines, _: machines.shell("dev-1", Terminal(0, 1, "xterm")),
    "url": lambda machines, machine: machines.reach(machine, 3000),
    "url --signed": lambda machines, machine: machines.reach(machine, 3000, 60),
}


def all_states() -> list[str]:
    """Return every state of the API's specification but those of a running or a gone sandbox."""
    schema = json.loads(SPECIFICATION.read_text())["components"]["schemas"]["SandboxState"]
    return sorted(set(schema["enum"]) - RUN - {"destroyed"})


def found(machines: DaytonaMachines, wire: Wire, name: str, **changes: Any) -> Machine:
    """Return a machine in that state, which the next requests find as well."""
    wire.on(BY_NAME, state(name, **changes))
    if name == "destroying":
        wire.on(LIST, page())
    machine = machines.get("dev-1")
    wire.requests.clear()
    return machine


def found_again(wire: Wire, name: str, **changes: Any) -> None:
    wire.on(BY_ID, state(name, **changes))
    if name == "destroying":
        wire.on(BY_NAME, state(name)).on(LIST, page())


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("name", all_states())
def test_the_hint_fits_the_state(
    name: str, act: Act, machines: DaytonaMachines, wire: Wire
) -> None:
    machine = found(machines, wire, name, errorReason="no runner")
    if act not in (ACTS["url"], ACTS["url --signed"]):
        found_again(wire, name, errorReason="no runner")

    with pytest.raises(Conflict) as caught:
        act(machines, machine)

    error = caught.value
    assert (error.code, error.hint) == ("machine_not_running", HINTS[name])
    assert error.message.startswith(("machine dev-1 is ", "machine dev-1 has failed"))
    if name != "destroying":
        assert error.message.endswith(": no runner")


@pytest.mark.parametrize("name", [n for n in all_states() if HINTS[n] != LOOK])
def test_waiting_says_the_same(
    name: str, machines: DaytonaMachines, wire: Wire, time: Time
) -> None:
    machine = found(machines, wire, name)
    if HINTS[name] == WAIT:
        # It is waited for, and then fails.
        found_again(wire, "error", errorReason="no runner")
        wire.on(BY_ID, state("error"))

    with pytest.raises(Os2Error) as caught:
        wait_for(machines, machine, WaitTarget.HEALTHY, 60, clock=time.clock)

    error = caught.value
    if HINTS[name] == WAIT:
        assert (type(error), error.hint) == (OperationFailed, LOOK)
        assert "no runner" in error.message
    elif name == "destroying":
        assert (type(error), error.hint) == (NotFound, GONE)
    else:
        assert (type(error), error.hint) == (Conflict, HINTS[name])


class TestStart:
    @pytest.mark.parametrize("name", ["error", "build_failed", "destroying"])
    def test_of_what_daytona_refuses_asks_for_nothing(
        self, name: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        found(machines, wire, name)
        found_again(wire, name, errorReason="no runner")

        with pytest.raises(Conflict) as caught:
            machines.start("dev-1")

        assert caught.value.hint == HINTS[name]
        assert {request.method for request in wire.requests} == {"GET"}

    def test_recovers_what_daytona_can_recover(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("error", recoverable=True)).on(RECOVER, ok(sandbox()))
        wire.on(BY_ID, state("starting"), state("started"))

        assert machines.start("dev-1").state is MachineState.RUNNING

    @pytest.mark.parametrize(("again", "hint"), [(True, START), (False, REMOVE), (None, REMOVE)])
    def test_that_fails_says_what_is_possible(
        self, again: bool | None, hint: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("error", recoverable=True)).on(RECOVER, ok(sandbox()))
        wire.on(BY_ID, state("error", recoverable=again, errorReason="disk is full"))

        with pytest.raises(OperationFailed, match="disk is full") as caught:
            machines.start("dev-1")

        assert caught.value.hint == hint


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_can_be_recovered_can_be_started(
    act: Act, machines: DaytonaMachines, wire: Wire
) -> None:
    machine = found(machines, wire, "error", recoverable=True)
    if act not in (ACTS["url"], ACTS["url --signed"]):
        found_again(wire, "error", recoverable=True)

    with pytest.raises(Conflict) as caught:
        act(machines, machine)

    assert caught.value.hint == START
