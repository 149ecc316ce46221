"""A shell in a sandbox: Daytona's SSH access, with this host's ``ssh``."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.core.notices import NOTICES
from os2cli.host.tty import Terminal
from os2cli.host.web import needs_no_resolver
from os2cli.providers.daytona.api.errors import invalid_answer

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

    def config(self, known_hosts: Path) -> str:
        """Return a configuration for ``ssh``: other users could read the token in its argv."""
        return "\n".join(
            (
                "Host machine",
                # Not every resolver knows names below localhost.
                f"    HostName {'localhost' if needs_no_resolver(self.host) else self.host}",
                f"    Port {self.port}",
                f"    User {self.token}",
                f"    UserKnownHostsFile {_quoted(known_hosts)}",
                # Daytona publishes no key of the gateway: trust the first one.
                "    StrictHostKeyChecking accept-new",
                "    PreferredAuthentications none,keyboard-interactive,password",
                "    BatchMode yes",
                "    LogLevel ERROR",
                "    ServerAliveInterval 15",
                "",
            )
        )


def _quoted(path: Path) -> str:
    """Quote a path for ssh's configuration, where ``%`` is special."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # A shell needs no memory of the gateway's key.
        NOTICES.warn(
            f"cannot keep the gateway's key in {folder}: {error.strerror}",
            "set XDG_STATE_HOME to a writable directory",
        )


def open_shell(access: SshAccess, known_hosts: Path, terminal: Terminal) -> int:
    """Run ``ssh`` on this terminal until the shell ends, and return its exit code.

    Raises:
        OperationFailed: the gateway can't be reached, or rejected the token.
        UsageError: this host has no ``ssh``.
    """
    program = which("ssh")
    if program is None:
        raise UsageError(
            "ssh is not installed, but a shell on Daytona requires it",
            hint="install OpenSSH's client, or use: os2 machine exec NAME -- COMMAND",
            code="ssh_missing",
        )
    _prepare(known_hosts.parent)
    with tempfile.TemporaryDirectory(prefix="os2-ssh-") as folder:
        config = Path(folder) / "config"
        config.write_text(access.config(known_hosts))
        config.chmod(0o600)
        # If ssh is killed, it leaves the terminal in raw mode.
        with terminal.restored():
            argv = [program, "-F", str(config), "-t", "machine"]
            code = subprocess.run(argv, check=False).returncode
    if code == FAILED_CODE:
        raise OperationFailed(
            f"ssh to Daytona's gateway at {access.host} failed",
            hint="see the message of ssh above, or use: os2 machine exec NAME -- COMMAND",
            code="ssh_failed",
        )
    return code
