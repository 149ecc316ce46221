"""Every loop that waits for Daytona goes on through every kind of outage, to its own deadline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotAuthorised, TimedOut
from os2cli.core.models import Snapshot, SnapshotState, WaitTarget
from os2cli.core.waiting import allowing, listening
from os2cli.machines.states import wait_for
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from os2cli.providers.daytona.snapshots.catalog import DaytonaCatalog
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from os2cli.snapshots.activation import activate, wait_until_active
from tests.clock import Time
from tests.unit.providers.daytona.answers import (
    REMOTE,
    RESOURCES,
    SNAPSHOT_NAME,
    SPEC,
    sandbox,
    snapshot,
)
from tests.unit.providers.daytona.wires import ACCESS, ok, refused, web_page

SECONDS, OUTAGE_SECONDS, FOREVER = 900.0, 60.0, 1e9
Answers = Callable[[], httpx.Response]


def raises(error: Exception) -> Answers:
    def fail() -> httpx.Response:
        raise error

    return fail


def half_json() -> httpx.Response:
    return httpx.Response(200, text='{"id": "0b4f', headers={"Content-Type": "application/json"})


# Nothing arrived at the API.
UNSENT: dict[str, Answers] = {
    "refused": raises(httpx.ConnectError("Connection refused")),
    "no name": raises(httpx.ConnectError("Name or service not known")),
    "no route": raises(httpx.ConnectTimeout("timed out")),
    "429": partial(refused, 429, "Too Many Requests", Retry_After_authenticated="20"),
    "429 for long": partial(refused, 429, "Too Many Requests", Retry_After_authenticated="200"),
}
# A change may have had its effect.
LOST: dict[str, Answers] = {
    "silence": raises(httpx.ReadTimeout("timed out")),
    "broken": raises(httpx.ReadError("Connection reset by peer")),
    "half an answer": raises(httpx.RemoteProtocolError("peer closed connection")),
    **{str(status): partial(refused, status) for status in (408, 502, 503, 504)},
    **{f"page {status}": partial(web_page, status) for status in (502, 503, 504, 521, 530)},
}
# Only a question is asked again: a change that fails in the API fails again.
ASKED: dict[str, Answers] = {
    "half its JSON": half_json,
    "500": partial(refused, 500),
    **{f"page {status}": partial(web_page, status) for status in (200, 302, 404, 500)},
}


@dataclass
class World(httpx.BaseTransport):
    """An API with one snapshot and one sandbox, whose outage begins after some answers.

    ``later`` are their states after it. ``effect``: changes during the outage have their effect.
    """

    time: Time
    outage: Answers
    after: int
    lasts: float = OUTAGE_SECONDS
    effect: bool = False
    snapshot: str | None = "pending"
    sandbox: str | None = "started"
    later: dict[str, str] = field(default_factory=dict)
    answered: int = 0
    began: float | None = None
    request_id: str = ""
    changes: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        path = request.url.path.removeprefix("/api")
        if path.endswith("build-logs-url"):
            return refused(404)  # a thread asks for it beside the loop
        if self.began is None and self.answered >= self.after:
            self.began = self.time.seconds
        if self.began is not None:
            if self.time.seconds < self.began + self.lasts:
                if self.effect and request.method != "GET":
                    self.change(request, path)
                return self.outage()
            vars(self).update(self.later)
        self.answered += 1
        return self.look(path) if request.method == "GET" else self.change(request, path)

    def look(self, path: str) -> httpx.Response:
        """Answer a question."""
        machine = sandbox(self.request_id, state=self.sandbox)
        if path.endswith("/preview-url"):
            return ok({"url": "http://127.0.0.1:3986/preview", "token": "token"})
        if path.startswith("/preview"):
            return ok({}) if self.sandbox == "started" else refused(502)
        if path == "/sandbox":
            return ok({"items": [machine] if self.sandbox else [], "nextCursor": None})
        if path.startswith("/sandbox"):
            return ok(machine) if self.sandbox else refused(404)
        return ok(snapshot(state=self.snapshot)) if self.snapshot else refused(404)

    def change(self, request: httpx.Request, path: str) -> httpx.Response:
        """Do what is asked for, once."""
        kind, verb = path.split("/")[1].rstrip("s"), path.rsplit("/", 1)[-1]
        self.changes.append(f"{request.method} {verb}")
        state = vars(self)[kind]
        if request.method == "DELETE":
            vars(self)[kind] = None
            return httpx.Response(200) if state else refused(404)
        if path in ("/sandbox", "/snapshots"):
            if state is not None:
                return refused(409, "already exists")
            body = json.loads(request.content)
            self.request_id = body.get("labels", {}).get("dev.os2.request", "")
            vars(self)[kind] = "creating" if kind == "sandbox" else "pending"
            return self.look(f"{path}/1")
        goal = {"start": "started", "stop": "stopped", "archive": "archived", "activate": "active"}
        if state == goal[verb]:
            return refused(400, f"it is already {state}")
        vars(self)[kind] = goal[verb]
        return ok({})


@dataclass(frozen=True)
class Loop:
    """A loop, what the world is like, and the command that goes on waiting.

    ``asks`` is how many answers it has before it only asks; ``changes`` before it changes.
    """

    run: Callable[[DaytonaClient, float], Any]
    name: str
    go_on: str
    asks: int
    changes: int | None = None
    world: dict[str, Any] = field(default_factory=dict)


def machines(client: DaytonaClient) -> DaytonaMachines:
    return DaytonaMachines(client, "dev-jonas", Path("/nowhere"))


def known(state: SnapshotState) -> Snapshot:
    return Snapshot(snapshot()["id"], SNAPSHOT_NAME, state, datetime(2026, 1, 11, tzinfo=UTC))


def publish(client: DaytonaClient, seconds: float) -> Any:
    store = DaytonaSnapshots(client)
    return wait_until_active(store, known(SnapshotState.PENDING), seconds, clock=client.clock)


def bring_back(client: DaytonaClient, seconds: float) -> Any:
    store, inactive = DaytonaSnapshots(client), known(SnapshotState.INACTIVE)
    return activate(store, inactive, wait_seconds=seconds, clock=client.clock)


def create_snapshot(client: DaytonaClient, seconds: float) -> Any:
    with allowing(seconds):
        return DaytonaSnapshots(client).create(SNAPSHOT_NAME, REMOTE, RESOURCES)


def remove_snapshot(client: DaytonaClient, seconds: float) -> Any:
    catalog = DaytonaCatalog(client)
    return catalog.remove(catalog.get(SNAPSHOT_NAME), within=seconds)


def create_machine(client: DaytonaClient, seconds: float) -> Any:
    with allowing(seconds):
        return machines(client).create(SPEC)


def wait(goal: WaitTarget) -> Callable[[DaytonaClient, float], Any]:
    def run(client: DaytonaClient, seconds: float) -> Any:
        provider = machines(client)
        return wait_for(provider, provider.get("dev-1"), goal, seconds, clock=client.clock)

    return run


WAIT_MACHINE = "os2 machine wait dev-1"
WAIT, ACTIVATE = f"os2 snapshot wait {SNAPSHOT_NAME}", f"os2 snapshot activate {SNAPSHOT_NAME}"
COMING = {"sandbox": "creating", "later": {"sandbox": "started"}}
GOING = {"later": {"sandbox": "stopped"}}
LOOPS = {
    "publish": Loop(publish, SNAPSHOT_NAME, WAIT, 1, world={"later": {"snapshot": "active"}}),
    "activate": Loop(bring_back, SNAPSHOT_NAME, ACTIVATE, 1, 0, {"snapshot": "inactive"}),
    "create snapshot": Loop(
        create_snapshot, SNAPSHOT_NAME, "publish again", 1, 0, {"snapshot": None}
    ),
    "remove snapshot": Loop(
        remove_snapshot, SNAPSHOT_NAME, f"os2 snapshot rm {SNAPSHOT_NAME}", 2, 1
    ),
    "create machine": Loop(
        create_machine, "dev-1", "os2 machine create dev-1", 1, 0, {"sandbox": None}
    ),
    "wait healthy": Loop(wait(WaitTarget.HEALTHY), "dev-1", WAIT_MACHINE, 1, None, COMING),
    "wait running": Loop(wait(WaitTarget.RUNNING), "dev-1", WAIT_MACHINE, 1, None, COMING),
    "wait stopped": Loop(wait(WaitTarget.STOPPED), "dev-1", WAIT_MACHINE, 1, None, GOING),
    "start": Loop(
        lambda client, seconds: machines(client).start("dev-1", seconds),
        "dev-1", "os2 machine wait dev-1", 2, 1, {"sandbox": "stopped"},
    ),
    "stop": Loop(
        lambda client, seconds: machines(client).stop("dev-1", seconds),
        "dev-1", "os2 machine wait dev-1 --for stopped", 2, 1,
    ),
    "archive": Loop(
        lambda client, seconds: machines(client).archive("dev-1", seconds),
        "dev-1", "os2 machine archive dev-1", 3, 2, {"sandbox": "stopped"},
    ),
    "remove": Loop(
        lambda client, seconds: machines(client).remove("dev-1", seconds),
        "dev-1", "os2 machine rm dev-1", 2, 1,
    ),
}  # fmt: skip
# A create asks nothing when it is answered.
ASKING = {name: loop for name, loop in LOOPS.items() if not name.startswith("create")}
CHANGING = {name: loop for name, loop in LOOPS.items() if loop.changes is not None}


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The lines that a user reads meanwhile."""
    lines: list[str] = []
    with listening(lines.append):
        yield lines


def through(loop: Loop, world: World, said: list[str]) -> None:
    """Run a loop, which says once that it waits, and once that this is over; a limit each time."""
    loop.run(DaytonaClient(ACCESS, transport=world, clock=world.time.clock), SECONDS)
    assert world.began is not None
    if "rate limit" in said[0]:
        assert all(line.endswith(": the API's rate limit is reached") for line in said)
        assert all(line.startswith(("waiting 20 s for ", "waiting 200 s for ")) for line in said)
        return
    assert [line.split(",")[0].split(" again")[0] for line in said] == [
        "waiting for the API",
        "the API answers",
    ]


@pytest.mark.parametrize("kind", UNSENT | LOST | ASKED)
@pytest.mark.parametrize("name", ASKING)
def test_a_loop_that_asks_goes_on(name: str, kind: str, time: Time, said: list[str]) -> None:
    loop = LOOPS[name]
    world = World(time, (UNSENT | LOST | ASKED)[kind], loop.asks, **loop.world)

    through(loop, world, said)


@pytest.mark.parametrize(
    ("kind", "effect"), [*((k, False) for k in UNSENT | LOST), *((k, True) for k in LOST)]
)
@pytest.mark.parametrize("name", CHANGING)
def test_a_loop_that_changes_something_goes_on(
    name: str, kind: str, effect: bool, time: Time, said: list[str]
) -> None:
    loop = LOOPS[name]
    assert loop.changes is not None
    answers = (UNSENT | LOST)[kind]
    world = World(time, answers, loop.changes, effect=effect, **loop.world)

    through(loop, world, said)


@pytest.mark.parametrize("kind", UNSENT | LOST)
@pytest.mark.parametrize("name", LOOPS)
def test_an_outage_without_an_end_ends_with_the_deadline(
    name: str, kind: str, time: Time, said: list[str]
) -> None:
    loop = LOOPS[name]
    after = loop.asks if loop.changes is None else loop.changes
    world = World(time, (UNSENT | LOST)[kind], after, lasts=FOREVER, **loop.world)
    started = time.seconds
    with pytest.raises(TimedOut) as caught:
        loop.run(DaytonaClient(ACCESS, transport=world, clock=time.clock), 30.0)

    assert time.seconds - started < 32
    assert loop.name in caught.value.message
    assert loop.go_on in (caught.value.hint or "")
    assert snapshot()["id"] not in caught.value.message
    assert len(said) == 1 or "rate limit" in said[0]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("name", ASKING)
def test_a_refusal_ends_a_wait_and_names_what_was_waited_for(
    name: str, status: int, time: Time, said: list[str]
) -> None:
    """Repeated 401s block the caller's address."""
    loop = LOOPS[name]
    world = World(time, partial(refused, status), loop.asks, lasts=FOREVER, **loop.world)
    with pytest.raises(NotAuthorised) as caught:
        loop.run(DaytonaClient(ACCESS, transport=world, clock=time.clock), SECONDS)

    assert loop.name in caught.value.message
    assert loop.go_on in (caught.value.hint or "")
    assert said == []


@pytest.mark.parametrize("name", LOOPS)
def test_a_short_outage_is_not_worth_a_line(name: str, time: Time, said: list[str]) -> None:
    loop = LOOPS[name]
    after = loop.asks if loop.changes is None else loop.changes
    world = World(time, UNSENT["refused"], after, lasts=0.5, **loop.world)

    loop.run(DaytonaClient(ACCESS, transport=world, clock=time.clock), SECONDS)

    assert said == []
