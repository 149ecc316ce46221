"""``s6-svstat [-o FIELD,…] FOLDER``: print a service's status."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from os2cli.providers.local_process.s6.folders import SOCKET_VARIABLE, ServiceFolder
from os2cli.providers.local_process.s6.rpc import Supervisor

_UP = {"RUNNING", "STARTING"}
_MEANT_TO_BE = {*_UP, "EXITED", "BACKOFF"}


@dataclass(frozen=True)
class Status:
    """The status of a service as s6 reports it; ``seconds`` since it went up or down."""

    up: bool
    wanted_up: bool
    ready: bool
    pid: int
    seconds: int
    exit_code: int

    def field(self, name: str) -> str:
        """Return a field of ``s6-svstat -o``; raises ``ValueError`` for an unknown one."""
        values: dict[str, object] = {
            "up": self.up,
            "wantedup": self.wanted_up,
            "normallyup": self.wanted_up,
            "ready": self.ready,
            "paused": False,
            "pid": self.pid,
            "updownfor": self.seconds,
            "exitcode": self.exit_code,
            # Supervisor does not report the signal.
            "signal": "NA",
            "signum": -1,
        }
        if name not in values:
            raise ValueError(f"unknown field {name!r}")
        return str(values[name]).lower() if isinstance(values[name], bool) else str(values[name])

    def sentence(self) -> str:
        """Return the status for people."""
        if self.up:
            ready = ", ready" if self.ready else ""
            return f"up (pid {self.pid}) {self.seconds} seconds{ready}"
        wanted = ", want up" if self.wanted_up else ""
        return f"down (exitcode {self.exit_code}) {self.seconds} seconds{wanted}"


def status_of(folder: ServiceFolder, info: dict[str, Any]) -> Status:
    """Return the status, from supervisor's answer and the service's files."""
    up = info["statename"] in _UP and not folder.waiting.exists()
    since = info["start"] if up else info["stop"] or info["now"]
    return Status(
        up=up,
        wanted_up=info["statename"] in _MEANT_TO_BE,
        ready=up and has_notified(folder, int(info["pid"])),
        pid=(folder.child or int(info["pid"])) if up else -1,
        seconds=max(0, int(info["now"]) - int(since)),
        exit_code=-1 if up else int(info["exitstatus"]),
    )


def has_notified(folder: ServiceFolder, pid: int) -> bool:
    """Return whether process ``pid`` wrote a line to the notification descriptor."""
    try:
        return folder.number("supervise/status", 0) == pid and b"\n" in folder.ready.read_bytes()
    except OSError:
        return False


def ask_status(folder: ServiceFolder) -> Status:
    """Return the status now; raises ``OSError`` if supervisor does not answer."""
    info = Supervisor(os.environ[SOCKET_VARIABLE]).processes().get(folder.program)
    if info is None:
        raise OSError(f"{folder.path} is not supervised")
    return status_of(folder, info)


def main(arguments: list[str]) -> int:
    """Print the requested fields, or a sentence."""
    fields: list[str] | None = None
    if arguments[:1] == ["-o"]:
        fields, arguments = arguments[1].split(","), arguments[2:]
    status = ask_status(ServiceFolder.named(arguments[-1]))
    text = " ".join(status.field(name) for name in fields) if fields else status.sentence()
    sys.stdout.write(f"{text}\n")
    return 0
