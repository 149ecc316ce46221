"""The SSH gateway's host keys: those that the API reports, else those of the first shell."""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from os2cli.core.errors import OperationFailed
from os2cli.core.notices import NOTICES
from os2cli.host.private_files import private_folder
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.api.wire import Answer

# The name in a file of known hosts for the keys that the API reports.
ALIAS = "os2-gateway"
_KEY = re.compile(
    r"((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+={0,3})(?: .*)?",
    re.ASCII,
)
# In the messages of ssh.
_REFUSED = ("Host key verification failed", "HOST IDENTIFICATION HAS CHANGED")


class GatewayAnswer(Answer):
    """What ``/config`` reports of the gateway; servers before 0.226 report no keys.

    ``sshGatewayPublicKey`` is another key: the one with which the gateway logs in to runners.
    """

    host: str | None = Field(None, alias="sshGatewayHost")
    port: int | None = Field(None, alias="sshGatewayPort")
    keys: list[str] | None = Field(None, alias="sshGatewayHostKeys")


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """What ssh trusts at ``host`` and ``port``.

    ``pinned`` are keys as a file of known hosts has them; without any, ``file`` remembers the key
    of the first shell, for one API.
    """

    host: str
    port: int
    file: Path
    pinned: tuple[str, ...] = ()

    def settings(self, folder: Path) -> tuple[str, ...]:
        """Return the lines for ssh's configuration; ``folder`` may hold files for this shell."""
        if self.pinned:
            known = folder / "known_hosts"
            known.write_text("".join(f"{ALIAS} {key}\n" for key in self.pinned))
            return (
                f"UserKnownHostsFile {quoted(known)}",
                f"HostKeyAlias {ALIAS}",
                "StrictHostKeyChecking yes",
            )
        _prepare(self.file.parent)
        return (
            f"UserKnownHostsFile {quoted(self.file)}",
            "StrictHostKeyChecking accept-new",
        )

    def explained(self, lines: tuple[str, ...]) -> OperationFailed | None:
        """Return the error if ssh's messages say that the gateway showed another key."""
        if not any(mark in line for line in lines for mark in _REFUSED):
            return None
        if self.pinned:
            return OperationFailed(
                f"the SSH gateway at {self.host} does not show the key that Daytona's API reports",
                hint="another host may answer in its name; use: os2 machine exec NAME -- COMMAND",
                code="ssh_key_changed",
            )
        name = self.host if self.port == 22 else f"[{self.host}]:{self.port}"
        forget = shlex.join(("ssh-keygen", "-f", str(self.file), "-R", name))
        return OperationFailed(
            f"the SSH gateway at {self.host} shows another key than before",
            hint=f"another host may answer in its name; if Daytona replaced the key: {forget}",
            code="ssh_key_changed",
        )


def gateway_keys(
    answer: GatewayAnswer, host: str, port: int, api_url: str, folder: Path, doing: str
) -> GatewayKeys:
    """Return the keys for a gateway; one of a region of its own is not the API's.

    Raises:
        OperationFailed: what the API reports is not a key.
    """
    digest = hashlib.sha256(api_url.encode(errors="surrogateescape")).hexdigest()[:16]
    file = folder / f"known_hosts-{digest}"
    if not answer.keys or (answer.host or host, answer.port or port) != (host, port):
        return GatewayKeys(host, port, file)
    known = [_KEY.fullmatch(line.strip()) for line in answer.keys]
    # Kinds that are newer than os2 are left out.
    keys = tuple(found[1] for found in known if found)
    if not keys:
        raise invalid_answer(doing, "sshGatewayHostKeys has no key")
    return GatewayKeys(host, port, file, keys)


def quoted(path: Path) -> str:
    """Quote a path for ssh's configuration, where ``%`` is special."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'


def _prepare(folder: Path) -> None:
    try:
        private_folder(folder)
    except OSError as error:
        # A shell needs no memory of the gateway's key.
        NOTICES.warn(
            f"cannot keep the gateway's key in {folder}: {error.strerror}",
            "set XDG_STATE_HOME to a writable directory",
        )
