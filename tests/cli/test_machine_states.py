"""``os2 machine start``, ``stop``, ``restart``, ``archive`` and ``wait``, as processes."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from os2cli.output.documents.changes import ChangeItem
from os2cli.output.documents.machines import MachineDocument
from tests.cli.lives import DAYTONA, going_on, hint, interrupted, machine, state
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until

pytestmark = pytest.mark.usefixtures("published")
VERBS = ("start", "stop", "restart", "archive")
REFUSED = (
    ("start",),
    ("stop", "a", "--all"),
    ("start", "a", "--timeout", "0"),
    ("wait",),
    ("wait", "a", "--for", "gone"),
    ("wait", "a", "--timeout", "-1"),
)


@pytest.fixture
def a(daytona: DaytonaServer) -> str:
    machine(daytona, "a")
    return "a"


def outcomes(cloud: Os2, *command: str) -> list[tuple[str, str, str | None]]:
    """Return the outcome of each machine in the document."""
    result = cloud("machine", *command, "--yes", *DAYTONA, "--json")
    assert result.status == 0, result.stderr
    items = TypeAdapter(list[ChangeItem]).validate_json(result.stdout)
    return [(item.name, item.outcome, item.state) for item in items]


def test_a_whole_life(cloud: Os2, daytona: DaytonaServer, a: str) -> None:
    assert outcomes(cloud, "stop", a) == [(a, "stopped", "stopped")]
    assert outcomes(cloud, "stop", a) == [(a, "unchanged", "stopped")]
    assert outcomes(cloud, "start", a) == [(a, "started", "running")]
    assert outcomes(cloud, "start", a) == [(a, "unchanged", "running")]
    assert outcomes(cloud, "restart", a) == [(a, "restarted", "running")]
    assert outcomes(cloud, "stop", a) == [(a, "stopped", "stopped")]
    assert outcomes(cloud, "archive", a) == [(a, "archived", "stopped")]
    assert outcomes(cloud, "archive", a) == [(a, "unchanged", "stopped")]
    assert state(daytona, a) == "archived"
    listed = cloud("machine", "list", *DAYTONA, "--columns", "name,state").stdout
    assert listed.split() == ["NAME", "STATE", "a", "archived"]
    assert outcomes(cloud, "start", a, "--no-wait") == [(a, "started", "running")]


@pytest.mark.parametrize("state", ["error", "build_failed"])
def test_why_a_machine_failed_is_shown_and_no_start_is_suggested(
    cloud: Os2, daytona: DaytonaServer, state: str
) -> None:
    machine(daytona, "a", state=state, error_reason="no runner").recoverable = False

    shown = cloud("machine", "show", "a", *DAYTONA)
    refusals = [
        cloud("machine", *command, *DAYTONA)
        for command in (("exec", "a", "true"), ("wait", "a"), ("logs", "a"), ("url", "a"))
    ]
    started = cloud("machine", "start", "a", "-y", *DAYTONA)

    assert ["reason", "no", "runner"] in [line.split() for line in shown.stdout.splitlines()]
    for refused in refusals:
        assert refused.status == 5
        assert refused.stderr.splitlines()[-2:] == [
            "error: machine a has failed: no runner",
            "hint: it can't be started any more; remove it: os2 machine rm a",
        ]
    assert "start" not in started.stderr.replace("can't be started", "")
    assert daytona.seen("POST", ".*") == []


def test_one_that_can_be_recovered_is_started(cloud: Os2, daytona: DaytonaServer) -> None:
    machine(daytona, "a", state="error", error_reason="disk is full").recoverable = True

    refused = cloud("machine", "exec", "a", *DAYTONA, "true")
    started = cloud(*hint(refused.stderr), "-y", *DAYTONA)

    assert (refused.status, started.status) == (5, 0), started.stderr
    assert state(daytona, "a") == "started"
    assert daytona.seen("POST", "/sandbox/.*/recover")


def test_the_text_for_people(cloud: Os2, a: str) -> None:
    stopped = cloud("machine", "stop", a, "-y", *DAYTONA)
    again = cloud("machine", "stop", a, "-y", *DAYTONA)
    archived = cloud("machine", "archive", a, "-y", *DAYTONA)
    once_more = cloud("machine", "archive", a, "-y", *DAYTONA)
    started = cloud("machine", "start", a, "-y", *DAYTONA)
    quiet = cloud("machine", "restart", a, "-y", "-q", *DAYTONA)

    assert stopped.stdout == "stopped a\n"
    assert again.stdout == "a is already stopped\n"
    assert archived.stdout == "archived a\n"
    assert once_more.stdout == "a is already archived\n"
    assert started.stdout.startswith("started a  http")
    assert (quiet.stdout, quiet.stderr) == ("a\n", "")


@pytest.mark.parametrize("verb", VERBS)
def test_staging_needs_confirmation_and_the_command_of_the_hint_does_it(
    cloud: Os2, daytona: DaytonaServer, a: str, verb: str
) -> None:
    refused = cloud("machine", verb, a)

    assert (refused.status, refused.stdout) == (2, "")
    assert state(daytona, a) == "started"
    done = cloud(*hint(refused.stderr), *DAYTONA)
    assert done.status == 0, done.stderr
    assert a in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_one_exits_with_3_and_with_others_7(cloud: Os2, a: str, verb: str) -> None:
    none = cloud("machine", verb, "none", "-y", *DAYTONA, "--json")
    some = cloud("machine", verb, a, "none", "-y", *DAYTONA, "--json")

    assert (none.status, none.json()["error"]["code"]) == (3, "machine_not_found")
    assert some.status == 7
    items = {item["name"]: item["outcome"] for item in some.json()["error"]["details"]["items"]}
    assert items["none"] == "missing"
    assert items[a] not in ("missing", "failed")


@pytest.mark.parametrize("command", REFUSED, ids=" ".join)
def test_invalid_options_exit_with_2(cloud: Os2, command: tuple[str, ...]) -> None:
    result = cloud("machine", *command, *DAYTONA)

    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("hint: ")


def test_a_missing_permission_exits_with_4(cloud: Os2, daytona: DaytonaServer, a: str) -> None:
    weak = daytona.add_key(permissions=["write:snapshots"])

    result = cloud("machine", "stop", a, "-y", *DAYTONA, env={"DAYTONA_API_KEY": weak})

    assert result.status == 4
    assert "write:sandboxes" in result.stderr


def test_an_unreachable_server_exits_with_8(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.fail_next("GET", "/sandbox/.*", Fault(drop=True), times=9)

    result = cloud("machine", "stop", "a", "-y", *DAYTONA, "--json")

    assert result.status == 8
    assert result.json()["error"]["hint"]


def test_a_failed_start_is_reported_with_its_reason(
    cloud: Os2, daytona: DaytonaServer, a: str
) -> None:
    daytona.sandbox("stg--a").state = "stopped"
    daytona.fail_starts = 1

    result = cloud("machine", "start", a, "-y", *DAYTONA)

    assert (result.status, result.stdout) == (1, "")
    assert "runner could not start the container" in result.stderr
    assert "done" not in result.stderr


def test_one_that_is_not_healthy_in_time_keeps_running(
    cloud: Os2, daytona: DaytonaServer, a: str
) -> None:
    daytona.stub_status = 500

    result = cloud("machine", "restart", a, "-y", *DAYTONA, "--timeout", "1.5")

    assert result.status == 6
    assert "timed out after 1.5 s waiting for machine" in result.stderr
    assert state(daytona, a) == "started"


class TestWait:
    def test_its_state_is_reported_until_it_is_healthy(self, cloud: Os2, a: str) -> None:
        line = cloud("machine", "wait", a, *DAYTONA)
        document = cloud("machine", "wait", a, *DAYTONA, "--for", "running", "--json")

        assert line.stdout.startswith("a  http")
        found = TypeAdapter(MachineDocument).validate_json(document.stdout)
        assert (found.state, found.health) == ("running", "healthy")
        assert cloud("machine", "wait", a, *DAYTONA, "-q").stdout == "a\n"

    def test_an_impossible_state_exits_with_5_at_once_and_the_hint_helps(
        self, cloud: Os2, daytona: DaytonaServer, a: str
    ) -> None:
        daytona.sandbox("stg--a").state = "stopped"

        result = cloud("machine", "wait", a, *DAYTONA)

        assert result.status == 5
        assert cloud(*hint(result.stderr), "-y", *DAYTONA).status == 0

    def test_a_timeout_exits_with_6(self, cloud: Os2, a: str) -> None:
        result = cloud("machine", "wait", a, *DAYTONA, "--for", "stopped", "--timeout", "0.2")

        assert (result.status, result.stdout) == (6, "")
        assert (
            "timed out after 0.2 s waiting for machine a to be stopped (last state: running)"
            in result.stderr
        )

    def test_a_missing_machine_exits_with_3(self, cloud: Os2) -> None:
        assert cloud("machine", "wait", "none", *DAYTONA).status == 3

    def test_ctrl_c_ends_it(self, cloud: Os2, daytona: DaytonaServer, a: str) -> None:
        daytona.requests.clear()
        with going_on(cloud, "machine", "wait", a, *DAYTONA, "--for", "stopped") as process:
            until(lambda: len(daytona.seen("GET", "/sandbox/.*")) > 1, 20)

            status, stdout, stderr = interrupted(process)

        assert (status, stdout) == (130, "")
        assert stderr.endswith("\nos2: stopped by SIGINT\n")
