"""Changes whose answers are lost, once and again: asked again, and done is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import Conflict, OperationFailed
from os2cli.core.models import MachineState, SnapshotState
from os2cli.core.waiting import Wait
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from os2cli.providers.daytona.snapshots.catalog import DaytonaCatalog
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from tests.daytona_server import DaytonaServer, Fault, Timing
from tests.unit.providers.daytona.answers import SNAPSHOT_NAME, snapshot
from tests.unit.providers.daytona.wires import Wire, ok, refused

NAME = "dev--20260101-000000"
MARKS = {labels.MACHINE: "1", labels.NAME: "dev-1", labels.STAGE: "dev"}


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    with DaytonaServer(timing=Timing(boot=0.01, delete=0)) as server:
        yield server


@pytest.fixture
def api(daytona: DaytonaServer) -> Iterator[DaytonaClient]:
    access = DaytonaAccess(daytona.url, "DAYTONA_API_URL", api_key=daytona.api_key)
    with DaytonaClient(access) as client:
        yield client


def machine(daytona: DaytonaServer, state: str) -> None:
    daytona.add_snapshot(NAME)
    daytona.add_sandbox("dev--dev-1", snapshot=NAME, state=state, labels=MARKS)


# The state before, the request, the change, and the state after it; None: it is gone.
CHANGES: dict[str, tuple[str, str, Callable[[DaytonaMachines], object], MachineState | None]] = {
    "start": ("stopped", "POST", lambda m: m.start("dev-1"), MachineState.RUNNING),
    "stop": ("started", "POST", lambda m: m.stop("dev-1"), MachineState.STOPPED),
    "archive": ("stopped", "POST", lambda m: m.archive("dev-1"), MachineState.STOPPED),
    "remove": ("started", "DELETE", lambda m: m.remove("dev-1"), None),
}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("verb", CHANGES)
def test_of_a_machine(
    daytona: DaytonaServer, api: DaytonaClient, tmp_path: Path, verb: str, times: int
) -> None:
    before, method, change, after = CHANGES[verb]
    machine(daytona, before)
    path = "/sandbox/[^/]+" if method == "DELETE" else f"/sandbox/.*/{verb}"
    daytona.fail_next(method, path, Fault(lose_answer=True), times)
    machines = DaytonaMachines(api, "dev", tmp_path)

    change(machines)

    states = {one.name: one.state for one in machines.list()}
    assert states == ({} if after is None else {"dev-1": after})


@pytest.mark.parametrize("times", [1, 2])
def test_of_an_activation(daytona: DaytonaServer, api: DaytonaClient, times: int) -> None:
    daytona.add_snapshot(NAME, state="inactive")
    daytona.fail_next("POST", "/snapshots/.*/activate", Fault(lose_answer=True), times)
    store = DaytonaSnapshots(api)

    store.activate(store.get(NAME))

    assert store.get(NAME).state is SnapshotState.ACTIVE


@pytest.mark.parametrize("times", [1, 2])
def test_of_a_snapshot_s_removal(daytona: DaytonaServer, api: DaytonaClient, times: int) -> None:
    daytona.add_snapshot(NAME)
    daytona.fail_next("DELETE", "/snapshots/.*", Fault(lose_answer=True), times)
    catalog = DaytonaCatalog(api)

    assert catalog.remove(catalog.get(NAME))
    assert catalog.list() == []


INACTIVE = snapshot(state="inactive")
ACTIVATE = f"POST /snapshots/{INACTIVE['id']}/activate"
LOOK = f"GET /snapshots/{INACTIVE['id']}"


@pytest.mark.parametrize(
    "words",
    [
        "Snapshot is already active",
        "Snapshot cannot be activated - it is in pulling state",
        "Snapshot cannot be activated - it is in active state",
    ],
)
@pytest.mark.parametrize("status", [400, 409])
def test_any_way_to_say_that_it_is_activated_counts(
    client: DaytonaClient, wire: Wire, words: str, status: int
) -> None:
    wire.on(LOOK, ok(INACTIVE)).on(ACTIVATE, refused(status, words))
    store = DaytonaSnapshots(client)

    store.activate(store.get(str(INACTIVE["id"])))


@pytest.mark.parametrize("status", [400, 409])
def test_a_refusal_of_what_is_active_by_now_counts_as_done(
    client: DaytonaClient, wire: Wire, status: int
) -> None:
    wire.on(LOOK, ok(INACTIVE)).on(ACTIVATE, refused(status, "activated recently, try again later"))
    wire.on(LOOK, ok(snapshot(state="active")))
    store = DaytonaSnapshots(client)

    store.activate(store.get(str(INACTIVE["id"])))


def test_another_conflict_stays_one(client: DaytonaClient, wire: Wire) -> None:
    wire.on(LOOK, ok(INACTIVE)).on(ACTIVATE, refused(409, "busy")).on(LOOK, ok(INACTIVE))
    store = DaytonaSnapshots(client)

    with pytest.raises(Conflict, match="busy"):
        store.activate(store.get(str(INACTIVE["id"])))


@pytest.mark.parametrize(
    "said",
    [
        {"size": 1e308},
        {"cpu": 1e308, "mem": 1e308, "disk": 1e308},
        {"cpu": -1, "mem": 1, "disk": 1},
        {"createdAt": "9999-12-31T23:59:59Z"},
        {"createdAt": "0001-01-01T00:00:00Z"},
        {"createdAt": "9999-12-31T23:59:59-14:00"},
    ],
    ids=str,
)
def test_impossible_values_end_as_values_or_as_errors(
    client: DaytonaClient, wire: Wire, said: dict[str, object]
) -> None:
    wire.on(LOOK, ok(snapshot(**said)))
    store = DaytonaSnapshots(client)

    with suppress(OperationFailed):
        read = store.get(str(INACTIVE["id"]))
        # Every zone can show it.
        assert read.created.astimezone().year < 9001
        assert read.name == SNAPSHOT_NAME


@pytest.mark.parametrize("number", ["9" * 400, "1e999", "-5", "86400"])
def test_a_pause_that_is_asked_for_has_an_end(
    client: DaytonaClient, wire: Wire, number: str
) -> None:
    answers = [refused(429, "slow down", **{"Retry-After": number}) for _ in range(90)]
    wire.on(LOOK, *answers)
    late = Conflict("late", hint="later")
    wait = Wait("it", 60.0, lambda _: late, go_on="os2 wait", clock=client.clock)

    with pytest.raises(Conflict):
        wait.ask(lambda: DaytonaSnapshots(client).get(str(INACTIVE["id"])))
    wire.script.clear()
