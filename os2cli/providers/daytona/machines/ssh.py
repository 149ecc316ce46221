"""A shell in a sandbox: Daytona's SSH access, through the ``ssh`` of this host."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.host.tty import Terminal
from os2cli.providers.daytona.api.errors import malformed

# A token lets in for so long; a shell that is open then stays open.
TOKEN_MINUTES = 10
FAILED_CODE = 255
# What can stand in the client's configuration without meaning anything else there.
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\]_-]*", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:][A-Za-z0-9._~+/=:-]*", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SshAccess:
    """Where the gateway is, and the token that is the user's name there."""

    host: str
    port: int
    token: str

    @classmethod
    def parse(cls, command: str, token: str, doing: str) -> SshAccess:
        """Read the API's ready-made command, such as ``ssh -p 2222 TOKEN@ssh.app.daytona.io``.

        Nothing of it is run: whatever else it says is left out.
        """
        try:
            words = shlex.split(command)
        except ValueError:
            words = []
        port = words[words.index("-p") + 1] if "-p" in words[:-1] else "22"
        host = next((w.removeprefix(f"{token}@") for w in words if w.startswith(f"{token}@")), "")
        plain = _HOST.fullmatch(host) and _TOKEN.fullmatch(token) and _PORT.fullmatch(port)
        if not plain or not 0 < int(port) < 65536:
            raise malformed(doing, "sshCommand is none")
        return cls(host, int(port), token)

    def config(self, known_hosts: Path) -> str:
        """The file that tells ``ssh`` all of it: everybody could read the token in its argv."""
        return "\n".join(
            (
                "Host machine",
                f"    HostName {self.host}",
                f"    Port {self.port}",
                f"    User {self.token}",
                f"    UserKnownHostsFile {_quoted(known_hosts)}",
                # The gateway has no key that anybody publishes: the first one seen is kept.
                "    StrictHostKeyChecking accept-new",
                "    PreferredAuthentications none,keyboard-interactive,password",
                "    BatchMode yes",
                "    LogLevel ERROR",
                "    ServerAliveInterval 15",
                "",
            )
        )


def _quoted(path: Path) -> str:
    """A path as the client's configuration takes one; it has signs of its own for ``%``."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'


def open_shell(access: SshAccess, known_hosts: Path, terminal: Terminal) -> int:
    """Run ``ssh`` on this terminal until the shell ends; returns its exit code.

    Raises:
        OperationFailed: the gateway could not be reached, or refused.
        UsageError: this host has no ``ssh``.
    """
    program = which("ssh")
    if program is None:
        raise UsageError(
            "a shell on Daytona needs the program ssh, which is not installed here",
            hint="install OpenSSH's client, or use: os2 machine exec NAME -- COMMAND",
            code="ssh_missing",
        )
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="os2-ssh-") as folder:
        config = Path(folder) / "config"
        config.write_text(access.config(known_hosts))
        config.chmod(0o600)
        # Killed with us, the client would leave the terminal as it needs it.
        with terminal.restored():
            argv = [program, "-F", str(config), "-t", "machine"]
            code = subprocess.run(argv, check=False).returncode
    if code == FAILED_CODE:
        raise OperationFailed(
            f"ssh to Daytona's gateway at {access.host} failed",
            hint="what ssh says stands above; os2 machine exec works without it",
            code="ssh_failed",
        )
    return code
