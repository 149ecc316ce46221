"""Commands that wait for Daytona, while its API fails, limits or breaks off what it says."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.command import Os2, Result
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until

PUBLISH = ("snapshot", "daytona")
PAGE = Fault(status=503, body=b"<html>maintenance</html>", content_type="text/html")
FAULTS = {
    "dropped": Fault(drop=True),
    "a proxy's page": PAGE,
    "half an answer": Fault(truncate=True),
    "limit": Fault(status=429, body={"message": "no"}, headers={"Retry-After-authenticated": "4"}),
}
ESCAPES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07after",
    "\x1b]52;c;aGk=\x1b\\after",
    "\x1bcafter",
    "\x9b31mafter",
    "\x1b[?1049hafter",
    "10%\r20%",
)


@pytest.fixture(autouse=True)
def repository(cloud: Os2) -> Path:
    """A checkout with a sandbox."""
    subprocess.run(["git", "init", "--quiet", str(cloud.folder)], check=True)
    (cloud.folder / "sandbox").mkdir()
    (cloud.folder / "sandbox/Dockerfile").write_text("FROM debian:stable\nRUN make\n")
    return cloud.folder


def fail(daytona: DaytonaServer, fault: Fault, path: str = "/snapshots/[^/]+") -> None:
    """Let questions fail for longer than a command keeps silent; the build's log also asks."""
    daytona.fail_next("GET", path, fault, 2 if fault.status == 429 else 5)


class TestOutage:
    @pytest.mark.parametrize("kind", FAULTS)
    def test_a_publish_goes_on_and_says_so(
        self, kind: str, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        fail(daytona, FAULTS[kind])

        result = cloud(*PUBLISH)
        daytona.violations.clear()

        assert result.status == 0, result.stderr
        assert result.stdout == f"{daytona.snapshots[0].name}\n"
        if kind == "limit":
            assert "waiting 4 s for snapshot " in result.stderr
            return
        assert result.stderr.count("waiting for the API, at most ") == 1
        assert result.stderr.count("the API answers again after ") == 1

    @pytest.mark.parametrize("options", [("--json",), ("--progress", "json"), ("-q",)], ids=str)
    def test_the_result_stays_as_it_is(
        self, options: tuple[str, ...], cloud: Os2, daytona: DaytonaServer
    ) -> None:
        fail(daytona, PAGE)

        result = cloud(*PUBLISH, *options)
        daytona.violations.clear()

        name = daytona.snapshots[0].name
        assert result.status == 0, result.stderr
        assert (result.json()["name"] if "--json" in options else result.stdout.strip()) == name
        if "--progress" in options:
            events = [json.loads(line) for line in result.stderr.splitlines()]
            notices = [e["message"] for e in events if e["event"] == "notice"]
            assert notices[0].startswith("waiting for the API, at most ")
        assert ("waiting for the API" in result.stderr) is ("-q" not in options)

    @pytest.mark.parametrize("command", ["wait", "logs -f"])
    def test_one_without_an_end_ends_with_the_deadline(
        self, command: str, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        daytona.builds_held = True
        name = cloud(*PUBLISH, "--no-wait").stdout.strip()
        ids = daytona.snapshots[0].id
        # The first question is by name, the others by id.
        daytona.fail_next("GET", f"/snapshots/{ids}", Fault(drop=True), 1000)
        began = time.monotonic()

        result = cloud("snapshot", *command.split(), name, "--timeout", "4")

        assert (result.status, time.monotonic() - began < 20) == (6, True)
        error, hint = result.stderr.splitlines()[-2:]
        assert error.startswith(f"error: timed out after 4 s waiting for snapshot {name}")
        assert hint.endswith(f"os2 snapshot wait {name}")
        assert ids not in error
        daytona.builds_held = False

    @pytest.mark.parametrize("verb", ["stop", "start", "rm"])
    @pytest.mark.usefixtures("published")
    def test_a_change_of_a_machine_goes_on(
        self, verb: str, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        created = cloud("machine", "create", "dev-1", "--type", "daytona", "--no-wait")
        assert created.status == 0, created.stderr
        if verb == "start":
            assert cloud("machine", "stop", "dev-1", "--yes").status == 0
        sandbox = next(iter(daytona.sandboxes_by_id))
        method = "DELETE" if verb == "rm" else "POST"
        daytona.fail_next(method, f"/sandbox/{sandbox}(/.*)?", Fault(drop=True), 3)

        result = cloud("machine", verb, "dev-1", "--yes")

        assert result.status == 0, result.stderr
        assert result.stderr.count("waiting for the API") == 1


class TestRateLimit:
    @pytest.mark.parametrize("options", [(), ("--json",), ("--progress", "json"), ("-q",)], ids=str)
    @pytest.mark.usefixtures("published")
    def test_is_one_line(
        self, options: tuple[str, ...], cloud: Os2, daytona: DaytonaServer
    ) -> None:
        daytona.rate_limit("authenticated", retry_after=2)

        result = cloud("snapshot", "resolve", *options)

        assert result.status == 0, result.stderr
        line = "listing snapshots: waiting 2 s, because Daytona's rate limit is reached"
        assert result.stderr.count(line) == (0 if "-q" in options else 1)
        assert "--json" not in options or result.json()["name"]

    @pytest.mark.usefixtures("published")
    def test_of_a_moment_is_none(self, cloud: Os2, daytona: DaytonaServer) -> None:
        daytona.rate_limit("authenticated", retry_after=1)

        assert "waiting" not in cloud("snapshot", "resolve").stderr


class TestBuildLog:
    def failed(self, cloud: Os2, daytona: DaytonaServer, *lines: str) -> Result:
        daytona.fail_next_build("exit code 7", log=lines)
        result = cloud(*PUBLISH, "-v")
        assert result.status == 1
        return result

    def test_of_a_second_failure_is_its_own(self, cloud: Os2, daytona: DaytonaServer) -> None:
        """Both builds write to one file."""
        # os2 looks at the log before the second one writes to it.
        daytona.timing.pending = 2
        self.failed(cloud, daytona, "the first reason")

        second = self.failed(cloud, daytona, "the second reason")

        assert "the first reason" not in second.stderr
        assert "  | the second reason" in second.stderr

    @pytest.mark.parametrize("escape", ESCAPES)
    def test_has_no_control_sequences(
        self, escape: str, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        daytona.builds_held = True
        name = cloud(*PUBLISH, "--no-wait").stdout.strip()
        log = daytona.build_logs
        until(lambda: any(record.text for record in log.values()))
        next(iter(log.values())).write(f"a{escape}b")
        daytona.builds_held = False
        assert cloud("snapshot", "wait", name).status == 0

        for result in (cloud("snapshot", "logs", name), cloud("snapshot", "logs", name, "--json")):
            text = "\n".join(result.json()["lines"]) if "{" in result.stdout[:1] else result.stdout
            assert [c for c in text if (c < " " and c != "\n") or "\x7f" <= c < "\xa0"] == []
            assert text.count("after") == escape.count("after")


class TestTexts:
    def test_two_stages_have_builds_of_their_own(self, cloud: Os2, daytona: DaytonaServer) -> None:
        for stage in ("dev-a", "dev-b"):
            assert cloud(*PUBLISH, "--stage", stage).status == 0

        assert len({record.build_hash for record in daytona.snapshots}) == 2

    def test_forced_ones_have_builds_of_their_own(self, cloud: Os2, daytona: DaytonaServer) -> None:
        for _ in range(3):
            assert cloud(*PUBLISH, "--force").status == 0

        assert len({record.build_hash for record in daytona.snapshots}) == 3
        assert cloud(*PUBLISH, "--json").json()["published"] is False

    def test_what_was_built_before_is_there_at_once(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        first = cloud(*PUBLISH).stdout.strip()
        assert cloud("snapshot", "rm", first, "--yes").status == 0

        assert cloud(*PUBLISH).status == 0
        assert len({record.build_hash for record in daytona.snapshots}) == 1
        assert len(daytona.built) == 1
