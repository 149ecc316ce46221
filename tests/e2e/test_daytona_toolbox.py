"""The official SDK and the real SSH client against what runs in a container of the test server."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import httpx
import pexpect
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.engine import engine_endpoint, sandbox_image
from tests.polling import until

if TYPE_CHECKING:
    from daytona import Daytona, Sandbox

pytestmark = pytest.mark.engine

BINARY = bytes(range(256)) * 16
DEADLINE = 30
Ssh = Callable[..., list[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[DaytonaServer]:
    """A server on the real engine, with a snapshot of the sandbox image."""
    timing = Timing(create_block=20, boot=0, delete=0.05)
    with DaytonaServer(engine_endpoint().url, timing=timing) as server:
        server.add_snapshot("base", image=sandbox_image(), entrypoint=["sleep", "infinity"])
        yield server
    assert server.violations == []


@pytest.fixture(scope="module")
def sdk(server: DaytonaServer) -> Daytona:
    """The official client."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from daytona import Daytona, DaytonaConfig

        return Daytona(DaytonaConfig(api_key=server.api_key, api_url=server.url))


@pytest.fixture(scope="module")
def sandbox(sdk: Daytona) -> Iterator[Sandbox]:
    """A sandbox that runs."""
    from daytona import CreateSandboxFromSnapshotParams

    params = CreateSandboxFromSnapshotParams(snapshot="base", env_vars={"GREETING": "hello"})
    sandbox = sdk.create(params)
    yield sandbox
    sdk.delete(sandbox, wait=True)


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[str]:
    """A session of the toolbox."""
    name = f"session-{uuid.uuid4().hex[:8]}"
    sandbox.process.create_session(name)
    yield name
    sandbox.process.delete_session(name)


def start(sandbox: Sandbox, session: str, command: str) -> str:
    """Start a command in a session; return its ID."""
    from daytona import SessionExecuteRequest

    request = SessionExecuteRequest(command=command, run_async=True, suppress_input_echo=True)
    return str(sandbox.process.execute_session_command(session, request).cmd_id)


class TestSessions:
    def test_waited_for(self, sandbox: Sandbox, session: str) -> None:
        from daytona import SessionExecuteRequest

        request = SessionExecuteRequest(command='echo "$GREETING"; echo oops >&2; cat; ( exit 4 )')
        answer = sandbox.process.execute_session_command(session, request)
        assert (answer.exit_code, answer.stdout, answer.stderr) == (4, "hello\n", "oops\n")

    def test_what_came_so_far_and_input(self, sandbox: Sandbox, session: str) -> None:
        command = start(
            sandbox, session, "echo first; read line; echo got $line; echo bad >&2; ( exit 7 )"
        )
        until(lambda: sandbox.process.get_session_command_logs(session, command).stdout)
        assert sandbox.process.get_session_command(session, command).exit_code is None
        sandbox.process.send_session_command_input(session, command, "a line")
        until(lambda: sandbox.process.get_session_command(session, command).exit_code == 7)
        logs = sandbox.process.get_session_command_logs(session, command)
        assert (logs.stdout, logs.stderr) == ("first\ngot a line\n", "bad\n")

    @pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
    def test_the_end_of_a_session_kills(self, sandbox: Sandbox, trap: str) -> None:
        name = f"session-{uuid.uuid4().hex[:8]}"
        mark = uuid.uuid4().hex
        sandbox.process.create_session(name)
        start(sandbox, name, f"{trap}sh -c 'sleep 600; : {mark}' & wait; sleep 600; : {mark}")
        found = f"grep -l {mark[:16]}[{mark[16]}] /proc/[0-9]*/cmdline 2>/dev/null | wc -l"
        until(lambda: int(sandbox.process.exec(found).result) >= 1)
        sandbox.process.delete_session(name)
        until(lambda: int(sandbox.process.exec(found).result) == 0)

    def test_execute(self, sandbox: Sandbox) -> None:
        from daytona import DaytonaTimeoutError

        answer = sandbox.process.exec("echo $A from $PWD; exit 3", cwd="/tmp", env={"A": "b"})
        assert (answer.exit_code, answer.result) == (3, "b from /tmp\n")
        with pytest.raises(DaytonaTimeoutError):
            sandbox.process.exec("sleep 60", timeout=1)
        lines = sandbox.process.exec("seq 200000").result.splitlines()
        assert (len(lines), lines[-1]) == (200000, "200000")


class TestLogs:
    def test_a_command_is_followed_to_its_end(self, sandbox: Sandbox, session: str) -> None:
        command = start(sandbox, session, "echo first; read line; echo got $line; echo bad >&2")
        out: list[str] = []
        err: list[str] = []

        def take(text: str) -> None:
            out.append(text)
            if text == "first\n":
                sandbox.process.send_session_command_input(session, command, "a line")

        follow = sandbox.process.get_session_command_logs_async
        asyncio.run(follow(session, command, take, err.append))
        assert ("".join(out), "".join(err)) == ("first\ngot a line\n", "bad\n")

    def test_a_command_can_end_the_shell(self, sandbox: Sandbox, session: str) -> None:
        command = start(sandbox, session, "echo before; exit 3")
        logs = sandbox.process.get_session_command_logs
        until(lambda: logs(session, command).stdout == "before\n")
        assert sandbox.process.get_session_command(session, command).exit_code is None

    def test_of_the_entry_point(self, server: DaytonaServer, sdk: Daytona) -> None:
        from daytona import CreateSandboxFromSnapshotParams, DaytonaError

        script = "echo out; sleep 0.2; echo err >&2; until test -e /tmp/go; do sleep 0.1; done; "
        entrypoint = ["sh", "-c", f"{script} echo more; exec sleep infinity"]
        server.add_snapshot("talks", image=sandbox_image(), entrypoint=entrypoint)
        sandbox = sdk.create(CreateSandboxFromSnapshotParams(snapshot="talks"))
        try:
            logs = sandbox.process.get_entrypoint_logs
            until(lambda: logs().stderr == "err\n")
            assert (logs().stdout, logs().output) == ("out\n", "\1\1\1out\n\2\2\2err\n")
            sandbox.process.exec("touch /tmp/go")
            until(lambda: logs().stdout == "out\nmore\n")
            out: list[str] = []
            stopping = threading.Timer(0.5, lambda: sandbox.stop(force=True))
            stopping.start()
            # The connection is cut, without a farewell.
            with pytest.raises(DaytonaError):
                asyncio.run(sandbox.process.get_entrypoint_logs_async(out.append, out.append))
            stopping.join()
            until(lambda: server.sandbox(sandbox.id).state == "stopped")
            assert "".join(out) == "out\nerr\nmore\n"
        finally:
            sdk.delete(sandbox, wait=True)


class TestFiles:
    def test_up_and_down(self, sandbox: Sandbox, tmp_path: Path) -> None:
        path = f"/tmp/{uuid.uuid4().hex}/a b'ä\"$x"
        sandbox.fs.upload_file(BINARY, path)
        assert sandbox.fs.download_file(path) == BINARY
        info = sandbox.fs.get_file_info(path)
        assert (info.owner, info.group, info.permissions, info.size) == (
            "1000",
            "1000",
            "0644",
            4096,
        )
        sandbox.fs.download_file(path, str(tmp_path / "copy"))
        assert (tmp_path / "copy").read_bytes() == BINARY
        sandbox.fs.set_file_permissions(path, mode="700")
        folder = str(Path(path).parent)
        (listed,) = sandbox.fs.list_files(folder)
        assert (listed.name, listed.mode) == (Path(path).name, "-rwx------")
        sandbox.fs.move_files(path, f"{folder}/moved")
        sandbox.fs.create_folder(f"{folder}/deep/er", "750")
        assert sandbox.fs.get_file_info(f"{folder}/deep/er").mode == "drwxr-x---"
        sandbox.fs.delete_file(f"{folder}/moved")
        sandbox.fs.delete_file(folder, recursive=True)
        assert sandbox.process.exec(f"ls {folder}").exit_code != 0

    def test_one_at_a_time(self, server: DaytonaServer, sandbox: Sandbox) -> None:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        base = f"{server.origin}/toolbox/{sandbox.id}/files"
        with httpx.Client(headers=headers, trust_env=False, timeout=DEADLINE) as api:
            answer = api.post(f"{base}/upload", params={"path": "relative"}, files={"file": BINARY})
            assert answer.status_code == 200
            work = sandbox.get_work_dir()
            answer = api.get(f"{base}/download", params={"path": f"{work}/relative"})
            assert answer.content == BINARY
            sandbox.fs.delete_file("relative")
            for path, status in [
                ("/nope", 404), ("/tmp", 400), ("/etc/shadow", 403), ("/nope\nat all", 404),
            ]:  # fmt: skip
                answer = api.get(f"{base}/download", params={"path": path})
                assert (answer.status_code, answer.content) == (status, b"")
            answer = api.get(
                f"{base}/download",
                params={"path": "/bin/sh"},
                headers={"Range": "bytes=1-3"},
            )
            assert (answer.status_code, answer.content) == (206, b"ELF")
            assert answer.headers["content-range"].startswith("bytes 1-3/")
            denied = api.post(f"{base}/upload", params={"path": "/etc/x"}, files={"file": b""})
            assert denied.status_code == 400

    def test_what_is_not_there(self, sandbox: Sandbox) -> None:
        from daytona import DaytonaError, DaytonaNotFoundError

        for ask in (sandbox.fs.get_file_info, sandbox.fs.delete_file, sandbox.fs.list_files):
            with pytest.raises(DaytonaNotFoundError):
                ask("/nope")
        with pytest.raises(DaytonaError, match="no such file"):
            sandbox.fs.download_file("/nope")
        with pytest.raises(DaytonaError, match="permission denied"):
            sandbox.fs.upload_file(b"", "/etc/new")

    def test_a_large_one(self, sandbox: Sandbox, tmp_path: Path) -> None:
        source, copy = tmp_path / "large", tmp_path / "copy"
        source.write_bytes(os.urandom(1024 * 1024) * 64)
        sandbox.fs.upload_file(str(source), "/tmp/large")
        sandbox.fs.download_file("/tmp/large", str(copy))
        assert copy.read_bytes() == source.read_bytes()
        sandbox.fs.delete_file("/tmp/large")


def spawn(ssh: Ssh) -> pexpect.spawn[str]:
    """A shell in a terminal."""
    program, *arguments = ssh("-tt", "")[:-1]
    return pexpect.spawn(
        program,
        arguments,
        timeout=DEADLINE,
        dimensions=(30, 100),
        encoding="utf-8",
        env={"PATH": os.environ["PATH"], "TERM": "vt100"},
    )


class TestSsh:
    @pytest.fixture
    def ssh(self, server: DaytonaServer, sandbox: Sandbox, tmp_path: Path) -> Ssh:
        """Return the client's command line for a sandbox, with the server's key."""
        program, flag, port, target = shlex.split(sandbox.create_ssh_access(5).ssh_command)
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{port} {server.ssh_host_key}\n")
        options = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
        options += ["-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", flag, port]
        return lambda *more: [program, *options, *more[:-1], target, *more[-1:]]

    def test_a_command(self, ssh: Ssh) -> None:
        script = "echo $GREETING; echo oops >&2; pwd; exit 9"
        done = subprocess.run(ssh(script), capture_output=True, text=True, timeout=DEADLINE)
        assert (done.returncode, done.stderr) == (9, "oops\n")
        assert done.stdout == "hello\n/home/node/repo\n"

    def test_input_and_its_end(self, ssh: Ssh) -> None:
        content = os.urandom(3_000_000)
        done = subprocess.run(
            ssh("cat; echo end >&2"), input=content, capture_output=True, timeout=DEADLINE
        )
        assert (done.stdout == content, done.stderr) == (True, b"end\n")

    def test_shells(self, ssh: Ssh) -> None:
        shells = [spawn(ssh) for _ in range(2)]
        for number, shell in enumerate(shells):
            shell.sendline(f"stty size; tty -s && echo terminal $TERM in shell $(({number}+0))")
            shell.expect_exact("30 100\r\n")
            shell.expect(rf"terminal vt100 in shell {number}\r\n")
        first, second = shells
        first.setwinsize(41, 121)

        def resized() -> bool:
            first.sendline("stty size")
            return bool(first.expect_exact(["41 121\r\n", "30 100\r\n"]) == 0)

        until(resized, DEADLINE)
        # Ctrl-C arrives as a signal. Without the trap, one between two programs may be lost.
        second.sendline("sh -c 'trap exit INT; echo $((40+1)) begins; while :; do sleep 0.1; done'")
        second.expect_exact("41 begins")
        second.sendintr()
        second.sendline("echo $((6*7)) goes on")
        second.expect_exact("42 goes on")
        for shell in shells:
            shell.sendline("exit 3")
            shell.expect(pexpect.EOF)
            shell.close()
            assert shell.exitstatus == 0

    def test_a_terminal_for_a_command(self, server: DaytonaServer, ssh: Ssh) -> None:
        def answer() -> tuple[int, bytes]:
            done = subprocess.run(
                ssh("-tt", "tty -s || exit 5; exit 6"), capture_output=True, timeout=DEADLINE
            )
            return done.returncode, done.stdout

        assert answer() == (5, b"")
        server.ssh_like_openssh = True
        try:
            assert answer() == (6, b"")
        finally:
            server.ssh_like_openssh = False

    def test_a_shell_ends_with_its_connection(
        self, server: DaytonaServer, sandbox: Sandbox, ssh: Ssh, engine: docker.APIClient
    ) -> None:
        container = server.sandbox_container(sandbox.id)

        def running() -> int:
            return str(engine.top(container)["Processes"]).count("sleep 98765")

        shell = spawn(ssh)
        shell.sendline("sleep 98765")
        until(lambda: running() == 1, DEADLINE)
        shell.close(force=True)
        until(lambda: running() == 0, DEADLINE)


def test_a_time_to_live_removes_the_container(
    server: DaytonaServer, sdk: Daytona, engine: docker.APIClient
) -> None:
    from daytona import CreateSandboxFromSnapshotParams

    sandbox = sdk.create(CreateSandboxFromSnapshotParams(snapshot="base", ttl_minutes=600))
    assert sandbox.auto_destroy_at is not None
    sandbox.set_ttl(5)
    container = server.sandbox_container(sandbox.id)
    server.advance(minutes=5)
    until(lambda: not engine.containers(all=True, filters={"id": container}), DEADLINE)
