"""A shell in a sandbox: Daytona's SSH access, with this host's ``ssh``."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.core.redaction import HIDDEN
from os2cli.core.small_files import read_small
from os2cli.host.locked_folders import temporary_folder
from os2cli.host.programs import TAIL_LINES
from os2cli.host.tty import Terminal
from os2cli.host.web import needs_no_resolver
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.machines.gateway_keys import GatewayKeys

# How long a token is valid; a shell that is open by then stays open.
TOKEN_MINUTES = 10
FAILED_CODE = 255
# Values that are safe in ssh's configuration.
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\]_-]*", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:][A-Za-z0-9._~+/=:-]*", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SshAccess:
    """The gateway's address, and the token that is the user name there."""

    host: str
    port: int
    token: str

    @classmethod
    def parse(cls, command: str, token: str, doing: str) -> SshAccess:
        """Parse the API's ready-made command, such as ``ssh -p 2222 TOKEN@ssh.app.daytona.io``.

        Its other options are ignored, and nothing of it is run.
        """
        try:
            words = shlex.split(command)
        except ValueError:
            words = []
        port = words[words.index("-p") + 1] if "-p" in words[:-1] else "22"
        host = next((w.removeprefix(f"{token}@") for w in words if w.startswith(f"{token}@")), "")
        plain = _HOST.fullmatch(host) and _TOKEN.fullmatch(token) and _PORT.fullmatch(port)
        if not plain or not 0 < int(port) < 65536:
            raise invalid_answer(doing, "sshCommand is not an ssh command")
        return cls(host, int(port), token)

    def config(self, trust: Iterable[str]) -> str:
        """Return a configuration for ``ssh``: other users could read the token in its argv."""
        lines = (
            # Not every resolver knows names below localhost.
            f"HostName {'localhost' if needs_no_resolver(self.host) else self.host}",
            f"Port {self.port}",
            f"User {self.token}",
            *trust,
            # A key that the host's own files know is not the gateway's for os2, nor is one that the
            # gateway adds.
            "GlobalKnownHostsFile none",
            "UpdateHostKeys no",
            "PreferredAuthentications none,keyboard-interactive,password",
            "BatchMode yes",
            "LogLevel ERROR",
            "ServerAliveInterval 15",
        )
        return "\n".join(("Host machine", *(f"    {line}" for line in lines), ""))


def open_shell(access: SshAccess, keys: GatewayKeys, terminal: Terminal) -> int:
    """Run ``ssh`` on this terminal until the shell ends, and return its exit code.

    Raises:
        OperationFailed: the gateway can't be reached, shows another key or rejected the token.
        UsageError: this host has no ``ssh``.
    """
    program = which("ssh")
    if program is None:
        raise UsageError(
            "ssh is not installed, but a shell on Daytona requires it",
            hint="install OpenSSH's client, or use: os2 machine exec NAME -- COMMAND",
            code="ssh_missing",
        )
    with temporary_folder("ssh") as folder:
        config, log = folder / "config", folder / "log"
        config.touch(0o600)
        config.write_text(access.config(keys.settings(folder)))
        # If ssh is killed, it leaves the terminal in raw mode.
        with terminal.restored():
            argv = [program, "-F", str(config), "-E", str(log), "-t", "machine"]
            code = subprocess.run(argv, check=False).returncode
        lines = _messages(log, access.token) if code == FAILED_CODE else ()
    if code == FAILED_CODE:
        raise keys.explained(lines) or OperationFailed(
            f"ssh to Daytona's gateway at {access.host} failed",
            hint="see the message of ssh above, or use: os2 machine exec NAME -- COMMAND",
            code="ssh_failed",
            log_tail=lines,
        )
    return code


def _messages(log: Path, token: str) -> tuple[str, ...]:
    """Return what ssh reported, without the token, which it may name as its user."""
    try:
        text = read_small(log).decode(errors="replace")
    except OSError:
        return ()
    lines = (line.strip() for line in text.replace(token, HIDDEN).splitlines())
    return tuple(filter(None, lines))[-TAIL_LINES:]
