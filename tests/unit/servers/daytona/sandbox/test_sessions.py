"""Commands that run in a sandbox, and what they have written so far."""

from __future__ import annotations

import threading

import httpx
import pytest

from tests.daytona_server import DaytonaServer, StubProgram, Timing
from tests.polling import until


@pytest.fixture
def session(api: httpx.Client, toolbox: str) -> str:
    """Return a session."""
    base = f"{toolbox}/process/session"
    assert api.post(base, json={"sessionId": "mine"}).status_code == 201
    return f"{base}/mine"


def run(api: httpx.Client, session: str, command: str, **more: bool) -> str:
    """Start a command; gives its address."""
    body = {"command": command, "runAsync": True, **more}
    answer = api.post(f"{session}/exec", json=body)
    assert answer.status_code == 202
    return f"{session}/command/{answer.json()['cmdId']}"


def test_stdout_and_stderr_are_apart(
    server: DaytonaServer, api: httpx.Client, session: str
) -> None:
    server.stub_execute = lambda _, command: (3, f"{command}\n", "oops\n")
    command = run(api, session, "ls")
    until(lambda: api.get(command).json().get("exitCode") == 3)
    logs = {"output": "ls\noops\n", "stdout": "ls\n", "stderr": "oops\n"}
    assert api.get(f"{command}/logs").json() == logs
    waited = api.post(f"{session}/exec", json={"command": "ls"}).json()
    assert waited == {"cmdId": waited["cmdId"], "exitCode": 3, **logs}


def test_execute_gives_both_as_one(server: DaytonaServer, api: httpx.Client, toolbox: str) -> None:
    server.stub_execute = lambda *_: (0, "out\n", "err\n")
    answer = api.post(f"{toolbox}/process/execute", json={"command": "ls"})
    assert answer.json() == {"exitCode": 0, "result": "out\nerr\n"}


def test_execute_has_a_timeout(server: DaytonaServer, api: httpx.Client, toolbox: str) -> None:
    ended: list[StubProgram] = []

    async def script(program: StubProgram) -> int:
        ended.append(program)
        await program.until(lambda: False)
        return 0

    server.stub_program = script
    body = {"command": "sleep", "timeout": 0.05, "cwd": "/tmp", "envs": {"A": "1"}}
    assert api.post(f"{toolbox}/process/execute", json=body).status_code == 408
    assert (ended[0].signals, ended[0].cwd, ended[0].env) == (["KILL"], "/tmp", {"A": "1"})


def test_what_came_so_far(server: DaytonaServer, api: httpx.Client, session: str) -> None:
    go_on = threading.Event()

    async def script(program: StubProgram) -> int:
        program.write("first\nnot ")
        await program.until(go_on.is_set)
        program.write("yet")
        program.write_error("bad")
        return 7

    server.stub_program = script
    command = run(api, session, "work")
    until(lambda: api.get(f"{command}/logs").json()["stdout"] == "first\n")
    assert "exitCode" not in api.get(command).json()
    go_on.set()
    until(lambda: api.get(command).json().get("exitCode") == 7)
    logs = api.get(f"{command}/logs").json()
    assert (logs["stdout"], logs["stderr"]) == ("first\nnot yet\n", "bad\n")


@pytest.mark.parametrize(("quiet", "echo"), [(False, "yes\n"), (True, "")])
def test_input(
    server: DaytonaServer, api: httpx.Client, session: str, quiet: bool, echo: str
) -> None:
    async def script(program: StubProgram) -> int:
        program.write(b"got " + await program.read())
        return 0

    server.stub_program = script
    command = run(api, session, "read", suppressInputEcho=quiet)
    assert api.post(f"{command}/input", json={"data": "yes"}).status_code == 204
    until(lambda: "exitCode" in api.get(command).json())
    assert api.get(f"{command}/logs").json()["stdout"] == f"{echo}got yes\n"
    assert api.post(f"{command}/input", json={"data": "more"}).status_code == 410


def test_one_that_is_waited_for_has_no_input(
    server: DaytonaServer, api: httpx.Client, session: str
) -> None:
    async def script(program: StubProgram) -> int:
        return len(await program.read())

    server.stub_program = script
    assert api.post(f"{session}/exec", json={"command": "cat"}).json()["exitCode"] == 0


def test_the_end_of_a_session_ends_what_runs_in_it(
    server: DaytonaServer, api: httpx.Client, session: str
) -> None:
    programs: list[StubProgram] = []

    async def script(program: StubProgram) -> int:
        programs.append(program)
        await program.until(lambda: False)
        return 0

    server.stub_program = script
    run(api, session, "forever")
    listed = api.get(session.rpartition("/")[0]).json()
    assert [each["sessionId"] for each in listed] == ["mine"]
    assert api.delete(session).status_code == 204
    until(lambda: programs[0].signals == ["TERM"] and not server.stubs)
    assert api.get(session).status_code == 404


def test_the_end_of_a_sandbox_ends_it_too(
    server: DaytonaServer, api: httpx.Client, session: str
) -> None:
    async def script(program: StubProgram) -> int:
        await program.until(lambda: False)
        return 0

    server.stub_program = script
    run(api, session, "forever")
    api.post("/sandbox/one/stop")
    until(lambda: api.get("/sandbox/one").json()["state"] == "stopped")
    assert not server.stubs
    api.post("/sandbox/one/start")
    assert api.get(session).status_code == 404


def test_a_server_ends_with_commands_running(timing: Timing) -> None:
    async def script(program: StubProgram) -> int:
        await program.until(lambda: False)
        return 0

    with DaytonaServer(timing=timing) as server:
        server.stub_program = script
        server.add_snapshot("base")
        headers = {"Authorization": f"Bearer {server.api_key}"}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as api:
            id_ = api.post("/sandbox", json={"snapshot": "base"}).json()["id"]
            base = f"{server.origin}/toolbox/{id_}/process/session"
            api.post(base, json={"sessionId": "mine"})
            run(api, f"{base}/mine", "forever")
    assert server.violations == []


def test_logs_that_go_on(server: DaytonaServer, api: httpx.Client, toolbox: str) -> None:
    url = f"{toolbox}/process/session/entrypoint/logs"
    sandbox = server.sandbox("one")
    with api.stream("GET", url, params={"follow": "true"}) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("starting: ")
        assert next(lines) == "listening on port 3000"
        sandbox.log.append("more")
        assert next(lines) == "more"
        sandbox.state = "stopped"
        assert list(lines) == []
