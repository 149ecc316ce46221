"""A shell in a sandbox: Daytona's SSH access, through the ``ssh`` of this host."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from os2cli.errors import OperationFailed, UsageError
from os2cli.providers.daytona.refusals import malformed

# A token lets in for so long; a shell that is open then stays open.
TOKEN_MINUTES = 10
FAILED_CODE = 255


@dataclass(frozen=True, slots=True)
class SshAccess:
    """Where the gateway is, and the token that is the user's name there."""

    host: str
    port: int
    token: str

    @classmethod
    def parse(cls, command: str, token: str, doing: str) -> SshAccess:
        """Read the API's ready-made command, such as ``ssh -p 2222 TOKEN@ssh.app.daytona.io``."""
        words = shlex.split(command)
        port = words[words.index("-p") + 1] if "-p" in words[:-1] else "22"
        host = next((word.rpartition("@")[2] for word in words[1:] if "@" in word), "")
        plain = all(part and not part.startswith("-") for part in (host, token))
        if not (plain and port.isdigit() and host.isprintable() and token.isprintable()):
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
                f'    UserKnownHostsFile "{known_hosts}"',
                # The gateway has no key that anybody publishes: the first one seen is kept.
                "    StrictHostKeyChecking accept-new",
                "    PreferredAuthentications none,keyboard-interactive,password",
                "    BatchMode yes",
                "    LogLevel ERROR",
                "    ServerAliveInterval 15",
                "",
            )
        )


def open_shell(access: SshAccess, known_hosts: Path) -> int:
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
        code = subprocess.run([program, "-F", str(config), "-t", "machine"], check=False).returncode
    if code == FAILED_CODE:
        raise OperationFailed(
            f"ssh to Daytona's gateway at {access.host} failed",
            hint="what ssh says stands above; os2 machine exec works without it",
            code="ssh_failed",
        )
    return code
