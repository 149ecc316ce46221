"""``os2 machine exec`` and ``logs``, as processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from os2cli.output.documents.executions import ExecutionDocument, LogDocument
from tests.cli.lives import DAYTONA, Endless, going_on, hint, interrupted, machine
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
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


@pytest.fixture
def home(daytona: DaytonaServer, a: SandboxRecord) -> Path:
    """The home directory of the machine."""
    return daytona.home(a.id)


class TestExec:
    def test_every_argument_arrives_as_it_is_with_both_streams_and_the_code(
        self, cloud: Os2, a: SandboxRecord
    ) -> None:
        script = 'printf "[%s]" "$@"; echo; echo err >&2; exit 7'

        result = cloud(*EXEC, "--", "sh", "-c", script, "sh", *AWKWARD)

        words = "".join(f"[{word}]" for word in AWKWARD)
        assert (result.status, result.stdout, result.stderr) == (7, f"{words}\n", "err\n")
        until(lambda: a.sessions == {})

    def test_as_one_document(self, cloud: Os2) -> None:
        script = "echo out; echo err >&2; exit 3"

        result = cloud(*EXEC, "--json", "--", "sh", "-c", script)

        found = TypeAdapter(ExecutionDocument).validate_json(result.stdout)
        assert (found.exit_code, found.stdout, found.stderr) == (3, "out\n", "err\n")
        assert (result.status, result.stderr) == (3, "")

    def test_a_variable_and_a_folder_reach_it(self, cloud: Os2, home: Path) -> None:
        folder = home / "a b"
        folder.mkdir()
        script = 'pwd; echo "$A, $HERE"'
        options = ("-e", "A=b c", "-e", "HERE", "-w", str(folder))

        result = cloud(*EXEC, *options, "--", "sh", "-c", script, env={"HERE": "it's"})

        assert result.stdout == f"{folder}\nb c, it's\n"

    @pytest.mark.parametrize("source", ["file", "pipe", "middle"])
    def test_stdin_is_passed_on_with_the_flag(
        self, cloud: Os2, home: Path, tmp_path: Path, source: str
    ) -> None:
        (tmp_path / "input").write_bytes(b"first\n" + b"line\n" * 50_000)
        script = {
            "file": f'"$@" < {tmp_path}/input',
            "pipe": f'cat {tmp_path}/input | "$@"',
            "middle": f'{{ dd bs=6 count=1 of=/dev/null 2>/dev/null; "$@"; }} < {tmp_path}/input',
        }[source]

        result = cloud.shell(script, *EXEC, "-i", "--", "sh", "-c", "cat > got")

        assert result.status == 0, result.stderr
        first = b"" if source == "middle" else b"first\n"
        assert (home / "got").read_bytes() == first + b"line\n" * 50_000
        assert list(home.iterdir()) == [home / "got"]

    def test_a_closed_reader_ends_it_and_the_program_quietly(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord, tmp_path: Path
    ) -> None:
        program = Endless(daytona, a)

        result = cloud.shell(
            f'{{ "$@"; echo $? > {tmp_path}/status; }} | head -1', *EXEC, "--", *program.argv
        )

        assert (result.stdout, result.stderr) == ("started\n", "")
        assert (tmp_path / "status").read_text() == "141\n"
        until(program.has_ended)
        until(lambda: a.sessions == {})

    def test_ctrl_c_ends_it_here_and_there(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        program = Endless(daytona, a)
        with going_on(cloud, *EXEC, "--", *program.argv) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            status, _, stderr = interrupted(process)

        assert (status, stderr) == (130, "os2: stopped by SIGINT\n")
        until(program.has_ended)
        until(lambda: a.sessions == {})

    def test_ctrl_c_is_not_held_up_by_a_server_that_hangs(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        program = Endless(daytona, a)
        with going_on(cloud, *EXEC, "--", *program.argv) as process:
            until(program.has_started)
            daytona.fail_next("*", "/toolbox/.*", Fault(hang=30), times=99)
            assert interrupted(process)[0] == 130

    def test_connection_errors_do_not_end_it(self, cloud: Os2, daytona: DaytonaServer) -> None:
        for fault in (Fault(lose_answer=True), Fault(status=502), Fault(truncate=True)):
            daytona.fail_next("GET", "/toolbox/.*/command/.*", fault)

        result = cloud(*EXEC, "--", "sh", "-c", "echo out; exit 4")

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

    def test_a_missing_log_is_reported(
        self, cloud: Os2, daytona: DaytonaServer, a: SandboxRecord
    ) -> None:
        script = 'case "$*" in *metadata.json*) echo web >&2; echo worker >&2; exit 66 ;; esac'
        daytona.add_program(a.id, "sh", f'{script}; exec /bin/sh "$@"')

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
        program = Endless(daytona, a, as_service=True)
        with going_on(cloud, *LOGS, "-f", "--service", "web") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            assert interrupted(process)[0] == 130

        until(program.has_ended)
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
    program = Endless(daytona, a, as_service=True)

    argv = cloud.argv(*LOGS, "-f", "--service", "web")
    process = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *argv],
        cwd=cloud.folder, env=dict(cloud.env), capture_output=True, text=True, timeout=30,
    )  # fmt: skip

    assert (process.stdout, process.stderr) == ("started\n", "")
    until(program.has_ended)
