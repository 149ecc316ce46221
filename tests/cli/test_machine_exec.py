"""``os2 machine exec`` and ``logs``, as processes."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import threading
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from os2cli.output.documents.executions import ExecutionDocument, LogDocument
from tests.cli.lives import DAYTONA, going_on, hint, interrupted, machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault, StubProgram
from tests.daytona_server.records import SandboxRecord
from tests.polling import until

EXEC = ("machine", "exec", "a", *DAYTONA)
AWKWARD = ("a b", "", "'", '"', "$HOME", "*", "-x", "--", "--json", "é", "a\nb", "; exit 9")
LOGS = ("machine", "logs", "a", *DAYTONA)


@pytest.fixture(autouse=True)
def a(daytona: DaytonaServer) -> SandboxRecord:
    """A machine that runs, whose log has three lines."""
    found = machine(daytona, "a")
    found.log += ["one", "\x1b[31mtwo\x1b[0m", "three"]
    return found


class Endless:
    """A program that prints once and then runs forever; ``ended`` once it was killed."""

    def __init__(self, daytona: DaytonaServer) -> None:
        self.started, self.ended = threading.Event(), threading.Event()
        daytona.stub_program = self.run

    async def run(self, program: StubProgram) -> int:
        program.write("started\n")
        self.started.set()
        try:
            while True:
                await asyncio.sleep(0.05)
                program.write("more\n")
        finally:
            self.ended.set()


def arguments(command: str) -> list[str]:
    """Return how a shell parses the command line of a sandbox: the program and its arguments."""
    return shlex.split(command.removeprefix("( exec ").rpartition(" ) < ")[0])


class TestExec:
    def test_every_argument_arrives_as_it_is_with_both_streams_and_the_code(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        got: list[str] = []

        def answer(sandbox: SandboxRecord, command: str) -> tuple[int, str, str]:
            got.append(command)
            return 7, "out\n", "err\n"

        daytona.stub_execute = answer

        result = cloud(*EXEC, "--", "program", *AWKWARD)

        assert (result.status, result.stdout, result.stderr) == (7, "out\n", "err\n")
        assert arguments(got[0]) == ["program", *AWKWARD]
        assert a.sessions == {}

    def test_as_one_document(self, cloud: Os2, daytona: DaytonaServer) -> None:
        daytona.stub_execute = lambda *_: (3, "out\n", "err\n")

        result = cloud(*EXEC, "--json", "--", "program")

        found = TypeAdapter(ExecutionDocument).validate_json(result.stdout)
        assert (found.exit_code, found.stdout, found.stderr) == (3, "out\n", "err\n")
        assert (result.status, result.stderr) == (3, "")

    def test_a_variable_and_a_folder_reach_it(self, cloud: Os2, daytona: DaytonaServer) -> None:
        got: list[str] = []

        def answer(sandbox: SandboxRecord, command: str) -> tuple[int, str]:
            got.append(command)
            return 0, ""

        daytona.stub_execute = answer

        cloud(*EXEC, "-e", "A=b c", "-e", "HERE", "-w", "/a b", "--", "x", env={"HERE": "it's"})

        words = shlex.split(got[0].removeprefix("( ").rpartition(" ) < ")[0])
        assert words == ["cd", "/a b", "&&", "exec", "env", "A=b c", "HERE=it's", "x"]

    @pytest.mark.parametrize("source", ["file", "pipe", "middle"])
    def test_stdin_is_passed_on_with_the_flag(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, tmp_path: Path, source: str
    ) -> None:
        got: list[bytes] = []

        def answer(sandbox: SandboxRecord, command: str) -> tuple[int, str]:
            path = command.rpartition(" < ")[2]
            got.append(sandbox.files[path].data or b"")
            return 0, ""

        daytona.stub_execute = answer
        (tmp_path / "input").write_bytes(b"first\n" + b"line\n" * 50_000)
        script = {
            "file": f'"$@" < {tmp_path}/input',
            "pipe": f'cat {tmp_path}/input | "$@"',
            "middle": f'{{ dd bs=6 count=1 of=/dev/null 2>/dev/null; "$@"; }} < {tmp_path}/input',
        }[source]

        result = cloud.shell(script, *EXEC, "-i", "--", "wc")

        assert result.status == 0, result.stderr
        assert got == [
            b"line\n" * 50_000 if source == "middle" else b"first\n" + b"line\n" * 50_000
        ]
        assert a.files == {}

    def test_a_closed_reader_ends_it_and_the_program_quietly(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, tmp_path: Path
    ) -> None:
        program = Endless(daytona)

        result = cloud.shell(
            f'{{ "$@"; echo $? > {tmp_path}/status; }} | head -1', *EXEC, "--", "x"
        )

        assert (result.stdout, result.stderr) == ("started\n", "")
        assert (tmp_path / "status").read_text() == "141\n"
        assert program.ended.wait(5)
        until(lambda: a.sessions == {})

    def test_ctrl_c_ends_it_here_and_there(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        program = Endless(daytona)
        with going_on(cloud, *EXEC, "--", "x") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            status, _, stderr = interrupted(process)

        assert (status, stderr) == (130, "os2: stopped by SIGINT\n")
        assert program.ended.wait(5)
        until(lambda: a.sessions == {})

    def test_ctrl_c_is_not_held_up_by_a_server_that_hangs(
        self, cloud: Os2, daytona: DaytonaServer
    ) -> None:
        program = Endless(daytona)
        with going_on(cloud, *EXEC, "--", "x") as process:
            assert program.started.wait(20)
            daytona.fail_next("*", "/toolbox/.*", Fault(hang=30), times=99)
            assert interrupted(process)[0] == 130

    def test_connection_errors_do_not_end_it(self, cloud: Os2, daytona: DaytonaServer) -> None:
        daytona.stub_execute = lambda *_: (4, "out\n")
        for fault in (Fault(lose_answer=True), Fault(status=502), Fault(truncate=True)):
            daytona.fail_next("GET", "/toolbox/.*/command/.*", fault)

        result = cloud(*EXEC, "--", "x")

        assert (result.status, result.stdout) == (4, "out\n"), result.stderr

    def test_a_program_that_can_not_run_is_explained(self, cloud: Os2, a: SandboxRecord) -> None:
        assert cloud("machine", "exec", "none", *DAYTONA, "--", "x").status == 3
        for refused in ((), ("-e", "1=2", "--", "x"), ("-e", "NOT_SET", "--", "x"), ("ls", "-l")):
            result = cloud(*EXEC, *refused)
            assert (result.status, result.stdout) == (2, ""), refused
            assert result.stderr.splitlines()[-1].startswith("hint: ")
        a.state = "stopped"
        stopped = cloud(*EXEC, "--", "x")
        assert (stopped.status, hint(stopped.stderr)) == (5, ["machine", "start", "a"])


class TestLogs:
    def test_all_of_it_and_its_end(self, cloud: Os2) -> None:
        assert cloud(*LOGS).stdout == "one\n\x1b[31mtwo\x1b[0m\nthree\n"
        assert cloud(*LOGS, "-n", "1").stdout == "three\n"
        document = TypeAdapter(LogDocument).validate_json(
            cloud(*LOGS, "--tail", "2", "--json").stdout
        )
        assert (document.service, document.lines) == (None, ["\x1b[31mtwo\x1b[0m", "three"])

    def test_a_missing_log_is_reported(self, cloud: Os2, daytona: DaytonaServer) -> None:
        daytona.stub_execute = lambda *_: (66, "", "web\nworker\n")

        service = cloud(*LOGS, "--service", "db")
        times = cloud(*LOGS, "--since", "5m")
        nonsense = cloud(*LOGS, "--since", "yesterday")
        nobody = cloud("machine", "logs", "none", *DAYTONA, "--json")

        assert (service.status, times.status, nonsense.status, nobody.status) == (3, 2, 2, 3)
        assert "services with a log: web, worker" in service.stderr
        assert nobody.json()["error"]["code"] == "machine_not_found"

    def test_following_continues_until_ctrl_c(self, cloud: Os2, a: SandboxRecord) -> None:
        with going_on(cloud, *LOGS, "-f", "-n", "1") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "three\n"
            a.log.append("four")
            assert process.stdout.readline() == "four\n"
            assert interrupted(process) == (130, "", "os2: stopped by SIGINT\n")

    def test_following_a_service_leaves_nothing_there(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        program = Endless(daytona)
        with going_on(cloud, *LOGS, "-f", "--service", "web") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            assert interrupted(process)[0] == 130

        assert program.ended.wait(5)
        until(lambda: a.sessions == {})

    def test_following_ends_with_the_machine(self, cloud: Os2, a: SandboxRecord) -> None:
        with going_on(cloud, *LOGS, "-f") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "one\n"
            a.state = "stopped"
            _, stderr = process.communicate(timeout=20)

        assert (process.returncode, stderr) == (0, "")


def test_a_closed_reader_ends_the_log_quietly(
    cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
) -> None:
    program = Endless(daytona)

    argv = cloud.argv(*LOGS, "-f", "--service", "web")
    process = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *argv],
        cwd=cloud.folder, env=dict(cloud.env), capture_output=True, text=True, timeout=30,
    )  # fmt: skip

    assert (process.stdout, process.stderr) == ("started\n", "")
    assert program.ended.wait(5)
