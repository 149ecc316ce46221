"""Jobs in the web UI: they are followed, fail with a hint, are cancelled and rolled back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cli.lives import machine, state
from tests.cli.scenes import NEWEST
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.engine_stub import EngineStub
from tests.polling import until
from tests.ui_site import Site, Visitor, serving


@pytest.fixture
def site(both: Os2) -> Iterator[Site]:
    with serving(both) as site:
        yield site


@pytest.fixture
def visitor(site: Site, published: None) -> Iterator[Visitor]:
    with Visitor(site) as visitor:
        yield visitor


ONE = {"type": "daytona", "name": "one"}
AT_ONE = "/machines/daytona/one"


def titles(events: list[tuple[int, str, object]]) -> list[str]:
    return [kind for _, kind, _ in events]


def test_a_create_is_followed_to_its_end(visitor: Visitor) -> None:
    job = visitor.begin("/machines", **ONE)

    events = list(visitor.events(job))

    kinds = titles(events)
    assert kinds[-1] == "end"
    assert events[-1][2]["state"] == "done"
    assert [label for label, _ in events[-1][2]["links"]] == ["Open one", "Show one"]
    numbers = [number for number, _, _ in events]
    assert numbers == sorted(numbers)
    page = visitor.get(job).text
    for phase in ("Finding snapshot", "Creating", "Waiting until healthy"):
        assert f'<span class="phase-title">{phase}</span>' in page
    assert "os2 machine create one --type daytona" in page


def test_a_returning_client_gets_the_missed_events(visitor: Visitor) -> None:
    job = visitor.begin("/machines", **ONE)
    visitor.ended(job)
    everything = next(iter(visitor.events(job)))
    last = everything[0]

    some = list(visitor.events(job, **{"Last-Event-ID": str(last - 2)}))
    none = list(visitor.events(job, **{"Last-Event-ID": str(last)}))
    foreign = list(visitor.events(job, **{"Last-Event-ID": "999999"}))

    assert everything[1] == "everything"
    assert [number for number, _, _ in some] == [last - 1, last]
    assert titles(none) == ["end"]
    assert titles(foreign) == ["everything", "end"]


def test_a_failure_has_its_hint(visitor: Visitor, daytona: DaytonaServer) -> None:
    machine(daytona, "one")

    ended = visitor.ended(visitor.begin("/machines", **ONE))

    assert ended["state"] == "failed"
    assert "already exists" in ended["error"]["message"]
    assert "os2 machine rm one" in ended["error"]["hint"]
    assert "already exists" in visitor.get("/jobs").text


def test_a_cancelled_job_is_rolled_back(visitor: Visitor, daytona: DaytonaServer) -> None:
    daytona.stub_status = 503  # never healthy
    job = visitor.begin("/machines", **ONE)
    until(lambda: state_or_none(daytona) == "started", 10)
    until(lambda: "waiting for one" in str(visitor.get("/jobs?part").text), 10)

    answer = visitor.send_form(f"{job}/cancel")

    assert answer.status_code == 202
    ended = visitor.ended(job, 10)
    assert (ended["state"], ended["error"]) == ("cancelled", None)
    assert state_or_none(daytona) is None
    assert "removing what was created: one" in visitor.get(job).text
    # Cancelling again is not an error.
    assert visitor.send_form(f"{job}/cancel").json()["state"] == "cancelled"


def state_or_none(daytona: DaytonaServer) -> str | None:
    """Return the state of the machine, None without one."""
    found = [s for s in daytona.sandboxes_by_id.values() if s.name == "stg--one"]
    return found[0].state if found and found[0].state != "destroyed" else None


def test_a_create_that_waits_for_its_response_is_also_rolled_back(
    visitor: Visitor, daytona: DaytonaServer
) -> None:
    daytona.fail_next("POST", "/sandbox", Fault(delay=1.5))
    job = visitor.begin("/machines", **ONE)
    until(lambda: daytona.seen("POST", "/sandbox"), 10)
    visitor.send_form(f"{job}/cancel")

    assert visitor.ended(job, 15)["state"] == "cancelled"
    assert state_or_none(daytona) is None


def test_a_publication_that_is_cancelled_leaves_no_snapshot(
    visitor: Visitor, daytona: DaytonaServer
) -> None:
    daytona.timing.build = 60
    before = set(daytona.snapshots_by_id)
    job = visitor.begin("/snapshots/publish", stage="stg", force="1")
    until(lambda: set(daytona.snapshots_by_id) - before, 20)
    until(lambda: "build" in visitor.get("/jobs?part").text, 10)
    visitor.send_form(f"{job}/cancel")

    assert visitor.ended(job, 15)["state"] == "cancelled"
    until(lambda: set(daytona.snapshots_by_id) == before, 10)


def test_its_states_are_changed(visitor: Visitor, daytona: DaytonaServer) -> None:
    machine(daytona, "one", stage="dev-x")
    at = f"{AT_ONE}/VERB?stage=dev-x"
    record = daytona.sandbox("dev-x--one")

    for verb, after in (("stop", "stopped"), ("start", "started"), ("restart", "started"),
                        ("archive", "archived")):  # fmt: skip
        ended = visitor.ended(visitor.begin(at.replace("VERB", verb)))
        assert ended["state"] == "done", ended
        assert record.state == after
    assert visitor.ended(visitor.begin(at.replace("VERB", "rm")))["outcome"] == "Removed one"
    assert visitor.get(f"{AT_ONE}?stage=dev-x").status_code == 404


@pytest.mark.parametrize("verb", ["rm", "stop", "archive"])
def test_what_others_work_with_wants_the_stage_typed(
    visitor: Visitor, daytona: DaytonaServer, verb: str
) -> None:
    machine(daytona, "one")
    at = f"{AT_ONE}/{verb}?stage=stg"

    assert "Type <strong>stg</strong>" in visitor.get(f"{at}&part").text
    for typed in ({}, {"confirm": ""}, {"confirm": "prd"}):
        refused = visitor.send_form(at, **typed)
        assert refused.status_code == 422
        assert refused.json()["error"]["field"] == "confirm"
    assert state(daytona, "one") == "started"

    assert visitor.ended(visitor.begin(at, confirm="stg"))["state"] == "done"
    assert state_or_none(daytona) != "started"


def test_a_snapshot_of_others_also(visitor: Visitor, daytona: DaytonaServer) -> None:
    fields = {"type": "daytona", "name": NEWEST}
    asked = visitor.get("/snapshots/remove", params={**fields, "part": ""}).text
    assert "Type <strong>stg</strong>" in asked
    assert visitor.send_form("/snapshots/remove", **fields).status_code == 422
    assert visitor.send_form("/snapshots/remove", **fields, confirm="prd").status_code == 422

    job = visitor.begin("/snapshots/remove", **fields, confirm="stg")

    assert visitor.ended(job)["outcome"] == f"Removed {NEWEST}"
    assert NEWEST not in [record.name for record in daytona.snapshots_by_id.values()]


def test_one_that_machines_were_made_from_stays_unless_forced(
    visitor: Visitor, daytona: DaytonaServer
) -> None:
    machine(daytona, "one")
    fields = {"type": "daytona", "name": NEWEST, "confirm": "stg"}

    kept = visitor.ended(visitor.begin("/snapshots/remove", **fields))
    gone = visitor.ended(visitor.begin("/snapshots/remove", **fields, force="1"))

    assert "is in use" in kept["error"]["message"]
    assert gone["state"] == "done"


def test_a_snapshot_is_activated(visitor: Visitor, daytona: DaytonaServer) -> None:
    name = "stg--20260101-000000"
    daytona.add_snapshot(name, state="inactive")
    assert "Activate" in visitor.get("/snapshots?part").text

    ended = visitor.ended(visitor.begin("/snapshots/activate", type="daytona", name=name))

    assert ended["outcome"] == f"{name} is active"


def test_the_image_is_built_once_at_a_time(visitor: Visitor, engine: EngineStub) -> None:
    first = visitor.begin("/snapshots/build", no_cache="1")
    ended = visitor.ended(first)

    assert ended["state"] == "done", ended
    assert "Built iterate-sandbox:local" in ended["outcome"]
    assert [path for _, path, _ in engine.requests if path.startswith("/build")]
    names = {"type": "local-docker", "name": "iterate-sandbox:local"}
    assert "Build log" in visitor.get("/snapshots/log", params=names).text
    with visitor.stream("GET", "/snapshots/log/lines", params=names) as log:
        assert "Successfully built" in log.read().decode()


def test_a_missing_image_is_built_in_the_background(both: Os2, engine: EngineStub) -> None:
    missing = replace(both, env={**both.env, "LOCAL_DOCKER_IMAGE_NAME": "missing:local"})
    with serving(missing) as site, Visitor(site) as visitor:
        text = until(lambda: "local image" in (t := visitor.get("/jobs?part").text) and t)
        assert "Build the local image" in text
        # The stub still has no image afterwards, which the page shows.
        until(lambda: "Building the local image failed" in visitor.get("/machines?part").text)


def test_what_can_not_be_fixed_is_reported(visitor: Visitor) -> None:
    ended = visitor.ended(visitor.begin("/doctor/fix", check="git"))

    assert ended["state"] == "failed"
    assert "os2 cannot fix git itself" in ended["error"]["message"]


class TestTheEnd:
    def test_ctrl_c_rolls_back(self, site: Site, visitor: Visitor, daytona: DaytonaServer) -> None:
        daytona.stub_status = 503
        visitor.begin("/machines", **ONE)
        until(lambda: state_or_none(daytona) == "started", 10)
        until(lambda: "waiting for one" in str(visitor.get("/jobs?part").text), 10)

        status, errors = site.end()

        assert status == 130
        assert "rolling back: Create one" in errors
        assert state_or_none(daytona) is None

    def test_a_second_one_exits_at_once_and_lists_what_may_remain(
        self, site: Site, visitor: Visitor, daytona: DaytonaServer
    ) -> None:
        daytona.stub_status = 503
        visitor.begin("/machines", **ONE)
        until(lambda: state_or_none(daytona) == "started", 10)
        until(lambda: "waiting for one" in str(visitor.get("/jobs?part").text), 10)
        daytona.fail_next("*", "/sandbox/.*", Fault(hang=30), times=99)
        site.process.send_signal(signal.SIGINT)
        assert site.process.stderr is not None
        lines = [site.process.stderr.readline()]
        while "rolling back" not in lines[-1]:
            lines.append(site.process.stderr.readline())
        # A signal within a second is the first one again.
        begun = time.monotonic()
        until(lambda: time.monotonic() - begun > 1.1)

        status, errors = site.end()

        assert status == 130
        assert "exited at once" in errors
        assert "os2 machine rm one" in errors

    def test_followers_are_disconnected(self, site: Site, visitor: Visitor) -> None:
        job = visitor.begin("/machines", **ONE)
        visitor.ended(job)
        begun = time.monotonic()
        with visitor.stream("GET", f"{AT_ONE}/logs?stage=stg") as answer:
            assert answer.status_code == 200
            assert site.end()[0] == 130
        assert time.monotonic() - begun < 10
