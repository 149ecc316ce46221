"""A name that Daytona's look-up misses: after ``rm x`` and ``create x``, for seconds."""

from __future__ import annotations

import math
from pathlib import Path

import pexpect
import pytest

from tests.cli.lives import DAYTONA, DEADLINE, browser, machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.daytona_server.records import RecordedRequest, SandboxRecord
from tests.polling import until

pytestmark = pytest.mark.usefixtures("published")
BY_NAME = "/sandbox/stg--a"
COMMANDS = (
    ("show", "a"),
    ("wait", "a"),
    ("wait", "a", "--for", "running"),
    ("exec", "a", "--", "true"),
    ("logs", "a"),
    ("url", "a"),
    ("url", "a", "--signed"),
    ("open", "a"),
    ("cp", "notes", "a:notes"),
    ("start", "a", "-y"),
    ("restart", "a", "-y"),
    ("stop", "a", "-y"),
    ("archive", "a", "-y"),
    ("rm", "a", "-y"),
)


@pytest.fixture
def a(daytona: DaytonaServer) -> SandboxRecord:
    """A machine whose name the look-up misses."""
    sandbox = machine(daytona, "a")
    daytona.gone_names["stg--a"] = math.inf
    return sandbox


def assert_by_id(daytona: DaytonaServer, a: SandboxRecord) -> None:
    """The name is asked for once, and the id is used from then on."""
    named = [one.path for one in daytona.requests if "stg--a" in one.path]
    assert named == [BY_NAME]
    assert daytona.seen("GET", f"/sandbox/{a.id}")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_finds_the_machine(
    cloud: Os2,
    daytona: DaytonaServer,
    a: SandboxRecord,
    command: tuple[str, ...],
    tmp_path: Path,
) -> None:
    (cloud.folder / "notes").write_text("x")

    result = cloud("machine", command[0], *DAYTONA, *command[1:], env=browser(tmp_path))

    assert result.status == 0, result.stderr
    assert_by_id(daytona, a)


def test_a_shell_finds_it_too(cloud: Os2, daytona: DaytonaServer, a: SandboxRecord) -> None:
    argv = Os2.argv("machine", "shell", "a", *DAYTONA)
    env = {**cloud.env, "TERM": "xterm"}
    process = pexpect.spawn(argv[0], argv[1:], env=env, cwd=str(cloud.folder), timeout=DEADLINE)

    until(lambda: daytona.seen("POST", f"/sandbox/{a.id}/ssh-access"))
    process.close(force=True)

    assert_by_id(daytona, a)


def test_a_machine_that_was_recreated_is_found_by_the_next_command(
    cloud: Os2, daytona: DaytonaServer
) -> None:
    daytona.timing.name_cache = 600
    first = cloud("machine", "create", *DAYTONA, "a", "--json").json()
    assert cloud("machine", "rm", *DAYTONA, "a", "-y").status == 0
    second = cloud("machine", "create", *DAYTONA, "a", "--json").json()

    shown = cloud("machine", "show", *DAYTONA, "a", "--json")

    assert shown.status == 0, shown.stderr
    assert shown.json()["id"] == second["id"] != first["id"]


def test_one_that_is_not_there_costs_one_request_more(cloud: Os2, daytona: DaytonaServer) -> None:
    result = cloud("machine", "show", *DAYTONA, "a", "--json")

    assert (result.status, result.json()["error"]["code"]) == (3, "machine_not_found")
    assert [one.path for one in daytona.requests] == [BY_NAME, "/sandbox"]


def test_a_name_that_is_being_freed_is_waited_for(cloud: Os2, daytona: DaytonaServer) -> None:
    former = machine(daytona, "a", state="destroying")
    asked: list[str] = []

    def end_at_the_second_request(request: RecordedRequest) -> None:
        if (request.method, request.path) == ("POST", "/sandbox"):
            asked.append(request.path)
            if len(asked) == 2:
                daytona.sandboxes_by_id.pop(former.id)

    daytona.on_request = end_at_the_second_request
    result = cloud("machine", "create", *DAYTONA, "a", "--json")

    assert result.status == 0, result.stderr
    assert result.json()["id"] != former.id
    assert len(asked) == 2
