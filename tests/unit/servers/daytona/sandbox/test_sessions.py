"""Sessions: one real shell each, and what its commands have written so far."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.daytona_server.places import MARK
from tests.polling import until
from tests.processes import command_lines, marked

SDK = {"X-Daytona-SDK-Version": "0.190.0"}
OUT, ERR = "\x01\x01\x01", "\x02\x02\x02"


@pytest.fixture
def session(api: httpx.Client, toolbox: str) -> str:
    """Return a session."""
    base = f"{toolbox}/process/session"
    assert api.post(base, json={"sessionId": "mine"}).status_code == 201
    return f"{base}/mine"


@pytest.fixture
def home(server: DaytonaServer, api: httpx.Client) -> Path:
    """Return the home directory of the sandbox."""
    return server.home("one")


def run(api: httpx.Client, session: str, command: str, **more: bool) -> str:
    """Start a command; gives its address."""
    body = {"command": command, "runAsync": True, **more}
    answer = api.post(f"{session}/exec", json=body)
    assert answer.status_code == 202
    return f"{session}/command/{answer.json()['cmdId']}"


def wait(api: httpx.Client, session: str, command: str) -> tuple[int, str, str]:
    """Run a command to its end; gives exit code, stdout and stderr."""
    answer = api.post(f"{session}/exec", json={"command": command}, headers=SDK).json()
    return answer["exitCode"], answer["stdout"], answer["stderr"]


def ended(api: httpx.Client, command: str) -> int:
    """Wait for the end of a command."""
    until(lambda: "exitCode" in api.get(command).json())
    return int(api.get(command).json()["exitCode"])


def log(api: httpx.Client, command: str) -> str:
    """Return the log of a command, with marks."""
    return str(api.get(f"{command}/logs", headers=SDK).json()["output"])


def processes(server: DaytonaServer) -> list[psutil.Process]:
    """Return what runs in the sandbox."""
    return marked(MARK, server.sandbox("one").id)


class TestShell:
    def test_commands_share_it(self, api: httpx.Client, session: str, home: Path) -> None:
        assert wait(api, session, "pwd; echo $HOME")[1] == f"{home}\n{home}\n"
        assert wait(api, session, "mkdir sub; cd sub; export A=b; f() { echo $A; }; c=d")[0] == 0
        assert wait(api, session, "pwd; f; echo $c; false") == (1, f"{home}/sub\nb\nd\n", "")

    def test_its_text_is_a_script(self, api: httpx.Client, session: str) -> None:
        assert wait(api, session, "cat <<'E'\n$HOME \\\nE\n# a comment") == (0, "$HOME \\\n", "")
        assert wait(api, session, "  echo 'a\n b'  \n\n")[1] == "a\n b\n"
        assert wait(api, session, "( unfinished")[0] != 0
        assert wait(api, session, "echo still there")[1] == "still there\n"

    def test_commands_run_one_after_the_other(self, api: httpx.Client, session: str) -> None:
        first = run(api, session, "read line; echo $line")
        second = run(api, session, "echo second")
        until(lambda: api.post(f"{first}/input", json={"data": "x"}).status_code == 204)
        assert (ended(api, first), ended(api, second)) == (0, 0)
        assert log(api, second) == f"{OUT}second\n"

    def test_a_queued_command_has_an_empty_log(self, api: httpx.Client, session: str) -> None:
        run(api, session, "read line")
        second = run(api, session, "echo second")
        assert (log(api, second), "exitCode" in api.get(second).json()) == ("", False)

    @pytest.mark.parametrize("last", ["exit 3", "exec true"])
    def test_a_command_can_end_it(self, api: httpx.Client, session: str, last: str) -> None:
        command = run(api, session, f"echo before; {last}")
        until(lambda: api.post(f"{session}/exec", json={"command": ":", "runAsync": True}).is_error)
        until(lambda: log(api, command) == f"{OUT}before\n")
        assert "exitCode" not in api.get(command).json()
        answer = api.post(f"{session}/exec", json={"command": ":", "runAsync": True})
        assert answer.status_code == 500
        assert "failed to write command" in answer.json()["message"]

    def test_a_directory_that_is_missing_fails_the_command(
        self, api: httpx.Client, session: str
    ) -> None:
        code, _, stderr = wait(api, session, "cd /no/such/folder && pwd")
        assert (code, "No such file or directory" in stderr) == (1, True)
        assert wait(api, session, "/no/such/program")[0] == 127


class TestLog:
    def test_both_streams_are_marked_in_one_log(self, api: httpx.Client, session: str) -> None:
        command = run(api, session, "echo ls; sleep 0.1; echo oops >&2; ( exit 3 )")
        assert ended(api, command) == 3
        assert log(api, command) == f"{OUT}ls\n{ERR}oops\n"

    def test_only_complete_lines_show(self, api: httpx.Client, session: str) -> None:
        command = run(api, session, "echo first; printf 'not '; read x; printf yet")
        until(lambda: log(api, command) == f"{OUT}first\n")
        api.post(f"{command}/input", json={"data": ""})
        assert ended(api, command) == 0
        assert log(api, command).replace(f"{OUT}\n", "") == f"{OUT}first\n{OUT}not yet\n"

    def test_a_nul_vanishes_and_what_is_not_utf_8_is_replaced(
        self, api: httpx.Client, session: str
    ) -> None:
        assert wait(api, session, r"printf 'a\0b\377\342\202c'")[1] == "ab\ufffd\ufffd\ufffdc\n"
        command = run(api, session, r"printf 'a\0b\377'")
        ended(api, command)
        assert api.get(f"{command}/logs").content == b"ab\xff\n"

    def test_a_long_one(self, api: httpx.Client, session: str) -> None:
        assert wait(api, session, "seq 5000")[1].splitlines()[-1] == "5000"

    def test_a_program_in_the_background_delays_the_end_that_holds_it(
        self, api: httpx.Client, session: str, home: Path
    ) -> None:
        held = run(api, session, "( until test -e go; do sleep 0.01; done; echo late ) & echo hi")
        until(lambda: log(api, held) == f"{OUT}hi\n")
        assert "exitCode" not in api.get(held).json()
        (home / "go").touch()
        assert ended(api, held) == 0
        assert log(api, held) == f"{OUT}hi\n{OUT}late\n"

    def test_an_older_daemon_does_not_wait_for_it(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        server.early_exit_codes = True
        command = run(api, session, "sleep 600 & echo hi; ( exit 3 )")
        assert ended(api, command) == 3
        until(lambda: log(api, command) == f"{OUT}hi\n")

    def test_a_program_in_the_background_that_does_not_hold_it_does_not(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        assert wait(api, session, "sleep 600 > /dev/null 2>&1 & echo hi")[:2] == (0, "hi\n")
        assert any("600" in line for line in command_lines(processes(server)))


class TestForms:
    """Who asks decides the form."""

    @pytest.fixture
    def command(self, api: httpx.Client, session: str) -> str:
        """Return a command that has written to both streams."""
        command = run(api, session, "echo out; sleep 0.1; echo err >&2")
        ended(api, command)
        return command

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Daytona-SDK-Version": "0.167.0"},
            {"X-Daytona-SDK-Version": "0.226.1"},
            {"X-Daytona-SDK-Version": "1.0.0"},
            {"X-Daytona-SDK-Version": "v0.0.0-dev"},
            {"X-Daytona-Split-Output": "true"},
            {"Sec-WebSocket-Protocol": "other, X-Daytona-SDK-Version~0.190.0"},
        ],
    )
    def test_apart(self, api: httpx.Client, command: str, headers: dict[str, str]) -> None:
        answer = api.get(f"{command}/logs", headers=headers)
        both = {"output": f"{OUT}out\n{ERR}err\n", "stdout": "out\n", "stderr": "err\n"}
        assert answer.json() == both
        assert answer.headers["content-type"].startswith("application/json")

    @pytest.mark.parametrize(
        ("headers", "text"),
        [
            ({}, "out\nerr\n"),
            ({"X-Daytona-Source": "sdk-python"}, "out\nerr\n"),
            ({"X-Daytona-SDK-Version": "0.26.9"}, "out\nerr\n"),
            ({"X-Daytona-SDK-Version": "0.27.0"}, f"{OUT}out\n{ERR}err\n"),
            ({"X-Daytona-SDK-Version": "0.166.9"}, f"{OUT}out\n{ERR}err\n"),
        ],
    )
    def test_as_text(
        self, api: httpx.Client, command: str, headers: dict[str, str], text: str
    ) -> None:
        answer = api.get(f"{command}/logs", headers=headers)
        assert answer.content.decode() == text
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"

    @pytest.mark.parametrize("apart", [True, False])
    def test_of_one_that_is_waited_for(self, api: httpx.Client, session: str, apart: bool) -> None:
        body = {"command": "echo out; sleep 0.1; echo err >&2; ( exit 2 )"}
        answer = api.post(f"{session}/exec", json=body, headers=SDK if apart else {}).json()
        form: dict[str, str | None] = {"output": "out\nerr\n", "stdout": None, "stderr": None}
        if apart:
            form = {"output": f"{OUT}out\n{ERR}err\n", "stdout": "out\n", "stderr": "err\n"}
        assert answer == {"cmdId": answer["cmdId"], "exitCode": 2, **form}

    def test_of_one_that_is_not(self, api: httpx.Client, session: str) -> None:
        body = {"command": "true", "runAsync": True}
        answer = api.post(f"{session}/exec", json=body, headers=SDK).json()
        nothing = {"output": None, "stdout": None, "stderr": None, "exitCode": None}
        assert answer == {"cmdId": answer["cmdId"], **nothing}

    def test_of_the_entry_point(
        self, server: DaytonaServer, api: httpx.Client, toolbox: str
    ) -> None:
        server.sandbox("one").log[:] = ["out", f"{ERR}err\n".encode()]
        url = f"{toolbox}/process/session/entrypoint/logs"
        both = {"output": f"{OUT}out\n{ERR}err\n", "stdout": "out\n", "stderr": "err\n"}
        assert api.get(url).json() == api.get(url, headers=SDK).json() == both
        old = api.get(url, headers={"X-Daytona-SDK-Version": "0.166.0"})
        assert old.text == both["output"]


class TestInput:
    @pytest.mark.parametrize(("quiet", "echo"), [(False, f"{OUT}yes\n"), (True, "")])
    @pytest.mark.parametrize("line", ["yes", "yes\n"])
    def test_a_line(
        self, api: httpx.Client, session: str, quiet: bool, echo: str, line: str
    ) -> None:
        command = run(api, session, "read line; echo got $line", suppressInputEcho=quiet)
        until(lambda: api.post(f"{command}/input", json={"data": line}).status_code == 204)
        assert ended(api, command) == 0
        lines = (f"{OUT}got yes\n", echo)
        assert log(api, command) in ("".join(lines), "".join(reversed(lines)))
        gone = api.post(f"{command}/input", json={"data": "more"})
        assert (gone.status_code, "already completed" in gone.json()["message"]) == (410, True)

    def test_it_has_no_end(self, api: httpx.Client, session: str) -> None:
        command = run(api, session, "cat", suppressInputEcho=True)
        for line in ("one", "two"):
            until(lambda line=line: api.post(f"{command}/input", json={"data": line}).is_success)  # type: ignore[misc]
        until(lambda: log(api, command) == f"{OUT}one\n{OUT}two\n")
        assert "exitCode" not in api.get(command).json()

    def test_one_that_is_waited_for_has_none(self, api: httpx.Client, session: str) -> None:
        assert wait(api, session, "cat; echo end")[:2] == (0, "end\n")


class TestEnd:
    def test_of_a_session_ends_its_group(
        self, server: DaytonaServer, timing: Timing, api: httpx.Client, session: str
    ) -> None:
        timing.grace = 5
        run(api, session, "trap 'echo bye > bye' TERM; sleep 600 & wait; echo more; sleep 601")
        until(lambda: any("600" in line for line in command_lines(processes(server))))
        timing.grace = 0.3
        listed = api.get(session.rpartition("/")[0]).json()
        assert [each["sessionId"] for each in listed] == ["mine"]
        assert api.delete(session).status_code == 204
        until(lambda: not processes(server))
        assert api.get(session).status_code == 404

    def test_of_a_session_leaves_who_left(
        self, server: DaytonaServer, api: httpx.Client, session: str
    ) -> None:
        wait(api, session, "setsid sleep 600 < /dev/null > /dev/null 2>&1 &")
        # The shell does not wait: until then, its job is still one of the group.
        until(lambda: ["sleep", "600"] in command_lines(processes(server)))
        assert api.delete(session).status_code == 204
        (left,) = processes(server)
        assert left.cmdline() == ["sleep", "600"]
        api.post("/sandbox/one/stop")
        until(lambda: not processes(server))

    @pytest.mark.parametrize("used", [True, False])
    def test_of_a_session_takes_the_grace_once_it_was_used(
        self, timing: Timing, api: httpx.Client, session: str, used: bool
    ) -> None:
        """Its shell has a trap for SIGTERM then, and goes on."""
        timing.grace = 0.5
        if used:
            wait(api, session, "true")
        assert (api.delete(session).elapsed.total_seconds() >= 0.5) == used

    def test_of_a_session_ends_what_is_waited_for(
        self, timing: Timing, api: httpx.Client, session: str
    ) -> None:
        timing.grace = 0.1
        deleting = threading.Timer(0.3, lambda: api.delete(session))
        deleting.start()
        answer = api.post(f"{session}/exec", json={"command": "trap '' TERM; sleep 600; sleep 600"})
        deleting.join()
        assert answer.status_code == 500
        assert "session cancelled" in answer.json()["message"]

    def test_of_a_sandbox_ends_everything(
        self, server: DaytonaServer, api: httpx.Client, session: str, home: Path
    ) -> None:
        run(api, session, "touch kept; setsid sleep 600")
        until((home / "kept").exists)
        api.post("/sandbox/one/stop")
        until(lambda: api.get("/sandbox/one").json()["state"] == "stopped")
        assert not processes(server)
        api.post("/sandbox/one/start")
        assert api.get(session).status_code == 404
        assert (home / "kept").exists()
        api.delete("/sandbox/one")
        until(lambda: not home.exists())


@pytest.fixture
def left(timing: Timing) -> Callable[[], list[int]]:
    """Return what is left of a server that ended with commands running."""
    with DaytonaServer(timing=timing) as server:
        server.add_snapshot("base")
        headers = {"Authorization": f"Bearer {server.api_key}"}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as api:
            id_ = api.post("/sandbox", json={"name": "one", "snapshot": "base"}).json()["id"]
            base = f"{server.origin}/toolbox/{id_}/process/session"
            api.post(base, json={"sessionId": "mine"})
            run(api, f"{base}/mine", "setsid sleep 600 & sleep 600")
            until(lambda: len(processes(server)) > 2)
            home, running = server.home("one"), processes(server)
    assert server.violations == []
    return lambda: [*[each.pid for each in running if each.is_running()], *[0] * home.exists()]


def test_a_server_ends_what_runs(left: Callable[[], list[int]]) -> None:
    until(lambda: not left())
