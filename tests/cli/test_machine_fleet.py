"""``os2 machine create --ttl --count``, ``list`` and ``prune``, as processes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pexpect
import pytest
from pydantic import TypeAdapter

from os2cli.output.documents.changes import PruneItem
from os2cli.output.documents.machines import MachineDocument, WatchedMachineDocument
from tests.cli.lives import DAYTONA, DEADLINE, going_on, hint, interrupted, machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until

pytestmark = pytest.mark.usefixtures("published")
CREATE = ("machine", "create", *DAYTONA)
LIST = ("machine", "list", *DAYTONA)
PRUNE = ("machine", "prune", *DAYTONA)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def names(daytona: DaytonaServer) -> list[str]:
    return sorted(s.name for s in daytona.sandboxes if s.state not in ("destroying", "destroyed"))


class TestCreate:
    def test_several_are_numbered(self, cloud: Os2, daytona: DaytonaServer) -> None:
        result = cloud(*CREATE, "dev", "--count", "3", "--json")

        made = TypeAdapter(list[MachineDocument]).validate_json(result.stdout)
        assert [one.name for one in made] == ["dev-1", "dev-2", "dev-3"]
        assert {one.health for one in made} == {"healthy"}
        assert names(daytona) == ["stg--dev-1", "stg--dev-2", "stg--dev-3"]

    def test_without_a_name_each_gets_one(self, cloud: Os2) -> None:
        result = cloud(*CREATE, "--count", "2", "-q", "--no-wait")

        assert len(set(result.stdout.split())) == 2

    def test_when_the_third_fails_all_are_removed(self, cloud: Os2, daytona: DaytonaServer) -> None:
        made: list[str] = []

        def fail_third(request: object) -> None:
            path, method = getattr(request, "path", ""), getattr(request, "method", "")
            if (method, path) == ("POST", "/sandbox"):
                made.append(path)
                if len(made) == 3:
                    body = {"message": "Total CPU limit exceeded. Maximum allowed: 10."}
                    daytona.fail_next("POST", "/sandbox", Fault(status=400, body=body))

        daytona.on_request = fail_third
        result = cloud(*CREATE, "dev", "--count", "4")

        assert (result.status, result.stdout) == (1, "")
        assert "limit exceeded" in result.stderr
        assert "removing what was created: dev-1, dev-2" in result.stderr
        assert len(made) == 3
        until(lambda: names(daytona) == [])

    @pytest.mark.parametrize("options", [("--count", "0"), ("--count", "101"), ("--ttl", "soon")])
    def test_invalid_options_exit_with_2(self, cloud: Os2, options: tuple[str, ...]) -> None:
        result = cloud(*CREATE, *options)

        assert (result.status, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-1].startswith("hint: ")

    @pytest.mark.hosted
    def test_its_time_to_live_reaches_daytona_is_shown_and_ends_it(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        assert cloud(*CREATE, "a", "--ttl", "3h", "--no-wait").status == 0
        body = json.loads(daytona.seen("POST", "/sandbox")[-1].body)

        listed, shown = cloud(*LIST), cloud("machine", "show", "a", *DAYTONA)
        document = cloud("machine", "show", "a", *DAYTONA, "--json").json()

        assert body["ttlMinutes"] == 180
        assert "3 h left" in listed.stdout
        assert "3 h left" in shown.stdout
        expires = datetime.fromisoformat(document["expires"])
        assert timedelta(hours=2, minutes=58) < expires - datetime.now(UTC) <= timedelta(hours=3)
        daytona.advance(hours=4)
        until(lambda: names(daytona) == [])
        assert cloud(*PRUNE, "-y").stderr == "nothing to remove\n"


class TestPrune:
    @pytest.fixture(autouse=True)
    def left(self, daytona: DaytonaServer) -> None:
        """Add a failed machine, an old one, a new one, and foreign ones."""
        week_ago = datetime.now(UTC) - timedelta(days=8)
        machine(daytona, "bad", state="error", error_reason="no runner")
        machine(daytona, "old", created=week_ago)
        machine(daytona, "new")
        machine(daytona, "bad", stage="pr-7", state="error", error_reason="no runner")
        daytona.add_sandbox("stg--foreign", state="error", created=week_ago, error_reason="x")

    def test_a_dry_run_lists_what_and_why_and_changes_nothing(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        before = names(daytona)

        table = cloud(*PRUNE, "--dry-run", "--older-than", "7d")
        document = cloud(*PRUNE, "-n", "--json")

        assert table.status == 0
        assert re.search(r"(?m)^bad .*failed: no runner$", table.stdout)
        assert re.search(r"(?m)^old .*old$", table.stdout)
        assert "new" not in table.stdout
        assert table.stderr == "2 machines would be removed\n"
        items = TypeAdapter(list[PruneItem]).validate_json(document.stdout)
        assert [(one.name, one.outcome) for one in items] == [("bad", "planned")]
        assert cloud(*PRUNE, "-n", "-q").stdout == "bad\n"
        assert names(daytona) == before
        assert daytona.seen("DELETE", ".*") == []

    def test_it_asks_and_the_command_of_the_hint_does_it(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        refused = cloud(*PRUNE, "--older-than", "7d")

        assert (refused.status, refused.stdout) == (2, "")
        age = r"(just now|\d+ s ago)"
        assert re.search(rf"bad \(daytona, created {age}\): failed: no runner", refused.stderr)
        assert daytona.seen("DELETE", ".*") == []
        done = cloud(*hint(refused.stderr), "--json")
        items = TypeAdapter(list[PruneItem]).validate_json(done.stdout)
        assert [(one.name, one.outcome) for one in items] == [
            ("bad", "removed"),
            ("old", "removed"),
        ]
        until(lambda: names(daytona) == ["pr-7--bad", "stg--foreign", "stg--new"])

    def test_a_failed_removal_is_reported(self, cloud: Os2, daytona: DaytonaServer) -> None:
        daytona.fail_next("DELETE", "/sandbox/.*", Fault(status=403, body={"message": "no"}))

        result = cloud(*PRUNE, "-y", "--json")

        assert result.status == 4
        (item,) = result.json()["error"]["details"]["items"]
        assert (item["name"], item["outcome"]) == ("bad", "failed")
        assert "not allowed: no" in item["message"]

    def test_an_invalid_duration_exits_with_2(self, cloud: Os2) -> None:
        assert cloud(*PRUNE, "--older-than", "old").status == 2


class TestList:
    @pytest.fixture(autouse=True)
    def machines(self, daytona: DaytonaServer) -> None:
        machine(daytona, "a", created=datetime.now(UTC) - timedelta(days=2))
        machine(daytona, "b", state="stopped", created=datetime.now(UTC) - timedelta(days=3))
        machine(daytona, "c", stage="pr-7")

    def test_filters_orders_and_columns(self, cloud: Os2) -> None:
        assert cloud(*LIST, "-q").stdout == "a\nb\n"
        assert cloud(*LIST, "-q", "--all-stages", "--sort", "-created").stdout == "c\na\nb\n"
        assert cloud(*LIST, "-q", "--state", "stopped", "--filter", "name=?").stdout == "b\n"
        assert cloud(*LIST, "--stage", "pr-7", "--json").json()[0]["stage"] == "pr-7"
        table = cloud(*LIST, "--columns", "created, NAME")
        assert table.stdout == "CREATED  NAME\n2 d ago  a\n3 d ago  b\n"
        assert table.stderr == "1 machine of other stages: os2 machine list --all-stages\n"

    @pytest.mark.parametrize(
        "options",
        [
            ("--stage", "x", "--all-stages"),
            ("--columns", "name", "--json"),
            ("--columns", "name", "-q"),
            ("--columns", "colour"),
            ("--columns", ","),
            ("--filter", "colour=red"),
            ("--sort", "colour"),
            ("--state", "gone"),
        ],
        ids=" ".join,
    )
    def test_invalid_options_exit_with_2(self, cloud: Os2, options: tuple[str, ...]) -> None:
        result = cloud(*LIST, *options)

        assert (result.status, result.stderr.splitlines()[-1][:6]) == (2, "hint: ")

    def test_watching_in_a_pipe_prints_each_change_once(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        with going_on(cloud, *LIST, "--watch", "--json") as process:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            told = [
                TypeAdapter(WatchedMachineDocument).validate_json(next(lines)) for _ in range(2)
            ]
            daytona.fail_next("GET", "/sandbox", Fault(status=500), times=1)
            daytona.sandbox("stg--a").state = "stopped"
            daytona.index.show(daytona.sandbox("stg--a").id, daytona.sandbox("stg--a").item())
            told.append(TypeAdapter(WatchedMachineDocument).validate_json(next(lines)))
            machine(daytona, "d", state="stopped")
            told.append(TypeAdapter(WatchedMachineDocument).validate_json(next(lines)))
            status, rest, stderr = interrupted(process)

        assert [(one.event, one.name, one.state) for one in told] == [
            ("added", "a", "running"),
            ("added", "b", "stopped"),
            ("changed", "a", "stopped"),
            ("added", "d", "stopped"),
        ]
        assert (status, rest) == (130, "")
        assert stderr.endswith("os2: stopped by SIGINT\n")

    def test_watching_on_a_terminal_fits_and_is_kept_up_to_date(
        self, daytona: DaytonaServer, terminal: pexpect.spawn[str]
    ) -> None:
        terminal.expect_exact("until Ctrl-C")
        first = screen(terminal)
        machine(daytona, "another")
        terminal.expect_exact("another")
        terminal.expect_exact("until Ctrl-C")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
        terminal.close()

        assert terminal.exitstatus == 130
        rows = [line for line in first.splitlines() if line.strip()]
        assert rows[0].split()[:3] == ["NAME", "STATE", "URL"]
        assert [row.split()[0] for row in rows[1:3]] == ["a", "b"]
        assert all(len(row) <= 80 for row in rows)

    @pytest.fixture
    def terminal(self, cloud: Os2) -> Iterator[pexpect.spawn[str]]:
        """The watched list, on 80 columns."""
        program, *rest = cloud.argv(*LIST, "--watch")
        child = pexpect.spawn(
            program,
            rest,
            cwd=str(cloud.folder),
            env={**cloud.env, "TERM": "xterm-256color"},
            dimensions=(24, 80),
            timeout=DEADLINE,
            encoding="utf-8",
        )
        yield child
        child.close(force=True)


def screen(child: pexpect.spawn[str]) -> str:
    """The text shown so far, without escapes."""
    return ESCAPES.sub("", child.before or "").replace("\r\n", "\n").replace("\r", "")
