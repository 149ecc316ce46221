"""SSH access: the parts of the API's answer that are used, and the configuration for ssh."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.host.tty import Terminal
from os2cli.providers.daytona.machines.gateway_keys import (
    GatewayAnswer,
    GatewayKeys,
    gateway_keys,
)
from os2cli.providers.daytona.machines.ssh import SshAccess, open_shell

TOKEN = "Abc-123_x.y~z"
DOING = "opening a shell"
ACCESS = SshAccess("gateway.test", 2222, TOKEN)
# Records its arguments, and exits as the test says.
FAKE_SSH = """#!/bin/sh
printf '%s\\n' "$@" > "$RECORD/argv"
cp "$2" "$RECORD/config"
stat -c '%a %n' "$2" > "$RECORD/mode"
stty raw -echo
[ "$CODE" != 255 ] || echo "Abc-123_x.y~z@gateway.test: $WHY" > "$4"
exit "$CODE"
"""


def remembered(folder: Path) -> GatewayKeys:
    return GatewayKeys(ACCESS.host, ACCESS.port, folder / "known_hosts")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    master, slave = pty.openpty()
    yield Terminal(slave, slave, "xterm")
    os.close(master)
    os.close(slave)


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a host whose ssh is ours, and the file in which it records its arguments."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(FAKE_SSH)
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path))
    monkeypatch.setenv("CODE", "0")
    monkeypatch.setenv("WHY", "Permission denied")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "host", "port"),
    [
        (f"ssh -p 2222 {TOKEN}@gateway.test", "gateway.test", 2222),
        (f"ssh {TOKEN}@ssh.app.daytona.io", "ssh.app.daytona.io", 22),
        (f"ssh {TOKEN}@10.0.0.7 -p 22022", "10.0.0.7", 22022),
        # Nothing of it is run.
        (f"ssh -o ProxyCommand='touch a@b' {TOKEN}@gateway.test", "gateway.test", 22),
        (f"ssh -oLocalCommand=id -F /tmp/x {TOKEN}@gateway.test; id", None, 0),
        (f"ssh {TOKEN}@gateway.test; id", None, 0),
        (f"ssh {TOKEN}@-oProxyCommand=id", None, 0),
        (f"ssh '{TOKEN}@host\n    ProxyCommand id'", None, 0),
        (f"ssh '{TOKEN}@host name'", None, 0),
        (f"ssh {TOKEN}@", None, 0),
        (f"ssh -p 0 {TOKEN}@gateway.test", None, 0),
        (f"ssh -p 65536 {TOKEN}@gateway.test", None, 0),
        (f"ssh -p 99999999999 {TOKEN}@gateway.test", None, 0),
        (f"ssh -p ² {TOKEN}@gateway.test", None, 0),
        (f"ssh -p -1 {TOKEN}@gateway.test", None, 0),
        ("ssh other@gateway.test", None, 0),
        (f"ssh '{TOKEN}@gateway.test", None, 0),
        ("ssh", None, 0),
        ("", None, 0),
    ],
)
def test_of_the_command_only_the_place_is_used(command: str, host: str | None, port: int) -> None:
    if host is None:
        with pytest.raises(OperationFailed) as caught:
            SshAccess.parse(command, TOKEN, DOING)
        assert TOKEN not in f"{caught.value.message} {caught.value.hint}"
        return

    assert SshAccess.parse(command, TOKEN, DOING) == SshAccess(host, port, TOKEN)


@pytest.mark.parametrize(
    "token", ["", "-oProxyCommand=id", "a\n    ProxyCommand id", "a b", 'a"b', "a%h", "a#b", "é"]
)
def test_a_token_that_would_mean_something_else_is_refused(token: str) -> None:
    with pytest.raises(OperationFailed):
        SshAccess.parse(f"ssh '{token}@gateway.test'", token, DOING)


@pytest.mark.parametrize("folder", ["plain", "with space", 'a"quote', "50%h", "back\\slash", "#no"])
def test_the_real_client_understands_the_configuration(tmp_path: Path, folder: str) -> None:
    keys = remembered(tmp_path / folder)
    known = keys.file
    config = tmp_path / "config"
    config.write_text(ACCESS.config(keys.settings(tmp_path)))

    program = which("ssh")
    assert program is not None
    done = subprocess.run(
        [program, "-G", "-F", str(config), "machine"], capture_output=True, text=True, check=True
    )

    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (told["hostname"], told["port"], told["user"]) == ("gateway.test", "2222", TOKEN)
    assert told["batchmode"] == "yes"
    assert "proxycommand" not in told
    files = told["userknownhostsfile"]
    # It shows the path as it was written, signs and all.
    assert files in (str(known), str(known).replace("%", "%%"))


def test_the_token_is_in_no_argument_and_its_file_is_ours_alone(
    record: Path, terminal: Terminal
) -> None:
    assert open_shell(ACCESS, remembered(record / "state"), terminal) == 0

    assert TOKEN not in (record / "argv").read_text()
    assert TOKEN in (record / "config").read_text()
    mode, path = (record / "mode").read_text().split()
    assert mode == "600"
    assert not Path(path).parent.exists()


@pytest.mark.parametrize("code", [0, 7, 130, 255])
def test_its_exit_code_and_the_terminal_as_it_was(
    record: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    import termios

    before = termios.tcgetattr(terminal.input)
    monkeypatch.setenv("CODE", str(code))
    keyboard = os.dup(0)
    os.dup2(terminal.input, 0)
    try:
        if code == 255:
            with pytest.raises(OperationFailed) as caught:
                open_shell(ACCESS, remembered(record), terminal)
            assert (caught.value.code, TOKEN in caught.value.message) == ("ssh_failed", False)
            assert caught.value.log_tail == ("•••@gateway.test: Permission denied",)
        else:
            assert open_shell(ACCESS, remembered(record), terminal) == code
    finally:
        os.dup2(keyboard, 0)
        os.close(keyboard)

    assert termios.tcgetattr(terminal.input) == before


def test_without_ssh_there_is_another_way(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError) as caught:
        open_shell(ACCESS, remembered(tmp_path), terminal)

    assert caught.value.code == "ssh_missing"
    assert "os2 machine exec" in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["ssh.localhost", "SSH.Daytona.LOCALHOST"])
def test_a_gateway_below_localhost_needs_no_resolver(host: str, tmp_path: Path) -> None:
    config = SshAccess(host, 2222, TOKEN).config(())

    assert "    HostName localhost\n" in config


def test_a_directory_that_cannot_be_written_does_not_stop_a_shell(
    record: Path, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    assert open_shell(ACCESS, remembered(tmp_path / "file/os2"), terminal) == 0
    assert "HostName gateway.test" in (record / "config").read_text()


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKD6"


@pytest.mark.parametrize(
    ("reported", "pinned"),
    [
        ({}, ()),
        ({"sshGatewayHostKeys": []}, ()),
        ({"sshGatewayHostKeys": None, "sshGatewayHost": "gateway.test"}, ()),
        ({"sshGatewayHostKeys": [KEY]}, (KEY,)),
        (
            {"sshGatewayHostKeys": [f"{KEY} root@gateway", " ssh-rsa AAAA== "]},
            (KEY, "ssh-rsa AAAA=="),
        ),
        (
            {"sshGatewayHostKeys": [KEY], "sshGatewayHost": "gateway.test", "sshGatewayPort": 2222},
            (KEY,),
        ),
        # A region has a gateway of its own.
        ({"sshGatewayHostKeys": [KEY], "sshGatewayHost": "other.test"}, ()),
        ({"sshGatewayHostKeys": [KEY], "sshGatewayPort": 22}, ()),
        # It is a key of the gateway as a client.
        ({"sshGatewayPublicKey": KEY}, ()),
        *(
            ({"sshGatewayHostKeys": [bad]}, None)
            for bad in (
                "",
                "AAAA",
                f"* {KEY}",
                f"@cert-authority * {KEY}",
                f"{KEY}\n* ssh-rsa AAAA",
                "ssh-ed25519 A\tB",
                "ssh-ed25519",
                f"#{KEY}",
                "ssh-ed25519 AAAA\x1b]0;t\x07",
            )
        ),
    ],
)
def test_the_keys_of_the_api_are_pinned_for_its_gateway(
    tmp_path: Path, reported: dict[str, object], pinned: tuple[str, ...] | None
) -> None:
    answer = GatewayAnswer.model_validate(reported)
    if pinned is None:
        with pytest.raises(OperationFailed, match="sshGatewayHostKeys has no key"):
            gateway_keys(answer, "gateway.test", 2222, "https://api.test", tmp_path, DOING)
        return
    keys = gateway_keys(answer, "gateway.test", 2222, "https://api.test", tmp_path, DOING)
    assert keys.pinned == pinned
    lines = keys.settings(tmp_path)
    assert ("StrictHostKeyChecking yes" in lines) is bool(pinned)


def test_each_api_has_a_memory_of_its_own(tmp_path: Path) -> None:
    answer = GatewayAnswer.model_validate({})
    files = {
        gateway_keys(answer, "gateway.test", 22, url, tmp_path, DOING).file
        for url in ("https://a.test/api", "https://b.test/api")
    }
    assert len(files) == 2


def test_the_command_that_forgets_a_key_is_quoted(tmp_path: Path) -> None:
    keys = GatewayKeys("gateway.test", 2222, tmp_path / "a $(b)/known_hosts")
    error = keys.explained(("Host key verification failed.",))
    assert error is not None
    words = shlex.split(str(error.hint).partition("replaced the key: ")[2])
    assert words == ["ssh-keygen", "-f", str(keys.file), "-R", "[gateway.test]:2222"]
    assert keys.explained(("Permission denied",)) is None
