"""SSH into a sandbox without a container, with the real client."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pexpect
import psutil
import pytest

from tests.daytona_server import DaytonaServer
from tests.polling import until

Ssh = Callable[..., list[str]]
DEADLINE = 20


@pytest.fixture
def access(api: httpx.Client) -> Callable[[], str]:
    """Ask for access; gives the command for it."""
    return lambda: str(api.post("/sandbox/one/ssh-access").raise_for_status().json()["sshCommand"])


@pytest.fixture
def ssh(server: DaytonaServer, tmp_path: Path) -> Ssh:
    """Return the client's command line, which knows the server's key and nothing of the user's."""

    def command(given: str, *more: str) -> list[str]:
        program, flag, port, target = shlex.split(given)
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{port} {server.ssh_host_key}\n")
        options = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
        options += ["-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR"]
        return [program, *options, flag, port, *more[:-1], target, *more[-1:]]

    return command


def run(command: list[str], given: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run the client to its end."""
    done = subprocess.run(command, input=given, capture_output=True, timeout=DEADLINE)
    return done.returncode, done.stdout, done.stderr


def test_a_command(server: DaytonaServer, access: Callable[[], str], ssh: Ssh) -> None:
    given = access()
    assert run(ssh(given, "echo hello")) == (0, b"hello\n", b"")
    failing = "echo out; echo err >&2; exit 7"
    assert run(ssh(given, failing)) == (7, b"out\n", b"err\n")
    assert server.ssh_logins == 2
    assert [(each.command, each.exit_code) for each in server.ssh_sessions] == [
        ("echo hello", 0),
        (failing, 7),
    ]
    until(lambda: not any(each.open for each in server.ssh_sessions))


def test_input_and_its_end(access: Callable[[], str], ssh: Ssh) -> None:
    content = bytes(range(256)) * 4000
    assert run(ssh(access(), "cat"), content) == (0, content, b"")


def test_a_shell(server: DaytonaServer, access: Callable[[], str], ssh: Ssh) -> None:
    command = ssh(access(), "-tt", "")
    shell = pexpect.spawn(command[0], command[1:-1], timeout=DEADLINE, dimensions=(30, 100))
    shell.expect_exact("$ ")
    (session,) = server.ssh_sessions
    assert session.terminal is not None
    assert (session.terminal.columns, session.terminal.rows) == (100, 30)
    shell.setwinsize(40, 120)
    until(lambda: session.terminal is not None and session.terminal.columns == 120)
    shell.send("echo hi; stty size\r")
    shell.expect_exact("echo hi; stty size\r\nhi\r\n40 120\r\n$ ")
    shell.send("exit 3\r")
    shell.expect(pexpect.EOF)
    shell.close()
    # As with Daytona, which doesn't say.
    assert (shell.exitstatus, session.exit_code) == (0, 3)


def test_a_command_gets_no_terminal(
    server: DaytonaServer, access: Callable[[], str], ssh: Ssh
) -> None:
    asking = "if test -t 1; then echo yes; exit 1; fi; echo no"
    assert run(ssh(access(), "-tt", asking))[:2] == (0, b"no\r\n")
    server.ssh_like_openssh = True
    assert run(ssh(access(), "-tt", asking))[:2] == (1, b"yes\r\n")


def test_two_shells_at_once(access: Callable[[], str], ssh: Ssh) -> None:
    command = ssh(access(), "-tt", "")
    shells = [pexpect.spawn(command[0], command[1:-1], timeout=DEADLINE) for _ in range(2)]
    for shell in shells:
        shell.expect_exact("$ ")
    for number, shell in enumerate(shells):
        shell.send(f"echo shell {number}\r")
    for number, shell in enumerate(shells):
        shell.expect_exact(f"\r\nshell {number}\r\n")
        shell.close()


def test_one_that_is_cut_off_ends_its_shell(
    server: DaytonaServer, access: Callable[[], str], ssh: Ssh
) -> None:
    command = ssh(access(), "-tt", "")
    shell = pexpect.spawn(command[0], command[1:-1], timeout=DEADLINE)
    shell.send("echo $$ > pid; echo re''ady\r")
    shell.expect_exact("ready")
    pid = int((server.home("one") / "pid").read_text())
    shell.close(force=True)
    until(lambda: not psutil.pid_exists(pid))


def test_only_the_latest_token(
    server: DaytonaServer, api: httpx.Client, access: Callable[[], str], ssh: Ssh
) -> None:
    first, second = access(), access()
    assert run(ssh(first, "true"))[:2] == (255, b"")
    assert run(ssh(second, "true"))[0] == 0
    api.delete("/sandbox/one/ssh-access")
    assert run(ssh(second, "true"))[0] == 255
    assert (server.ssh_logins, server.ssh_refused) == (1, 2)


def test_a_token_expires(server: DaytonaServer, access: Callable[[], str], ssh: Ssh) -> None:
    server.sandbox("one").intervals["autoStopInterval"] = 0
    given = access()
    server.advance(minutes=59)
    assert run(ssh(given, "true"))[0] == 0
    server.advance(minutes=1)
    assert run(ssh(given, "true"))[0] == 255


def test_a_sandbox_that_is_stopped(api: httpx.Client, access: Callable[[], str], ssh: Ssh) -> None:
    given = access()
    api.post("/sandbox/one/stop")
    until(lambda: api.get("/sandbox/one").json()["state"] == "stopped")
    assert run(ssh(given, "true"))[:2] == (255, b"")


def test_the_server_ends_with_a_shell_open(
    server: DaytonaServer, access: Callable[[], str], ssh: Ssh
) -> None:
    command = ssh(access(), "-tt", "")
    shell = pexpect.spawn(command[0], command[1:-1], timeout=DEADLINE)
    shell.expect_exact("$ ")
    server.__exit__(None, None, None)
    shell.expect(pexpect.EOF)
    shell.close()


def test_a_port_of_the_sandbox(server: DaytonaServer, access: Callable[[], str], ssh: Ssh) -> None:
    server.sandbox("one").ports[3000] = int(server.origin.rpartition(":")[2])
    command = ssh(access(), "-W", "localhost:3000", "")[:-1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"HTTP/1.1 200 OK\r\n"
        client.terminate()
    assert run(ssh(access(), "-W", "localhost:3001", "")[:-1])[:2] == (255, b"")
