"""``s6-svscanctl -a|-t FOLDER``: add new services, or end all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from os2cli.providers.local_process.s6.folders import (
    FOLDER_VARIABLE,
    HOME_VARIABLE,
    LOGGER_SUFFIX,
    SOCKET_VARIABLE,
    services,
)
from os2cli.providers.local_process.s6.rpc import Supervisor
from os2cli.providers.local_process.s6.scan import configuration_text, prepare, write

WRONG_USAGE = 100


def main(arguments: list[str]) -> int:
    """Call supervisor; ending it ends the machine."""
    supervisor = Supervisor(os.environ[SOCKET_VARIABLE])
    if arguments[:-1] == ["-t"]:
        supervisor.ask("shutdown")
        return 0
    if arguments[:-1] == ["-a"]:
        add_new(supervisor, Path(arguments[-1]).resolve())
        return 0
    sys.stderr.write("usage: s6-svscanctl -a|-t FOLDER\n")
    return WRONG_USAGE


def add_new(supervisor: Supervisor, scan_directory: Path) -> None:
    """Start the new services of the directory; the others stay unchanged."""
    groups = {
        program: str(info["group"])
        for program, info in supervisor.processes().items()
        if not program.endswith(LOGGER_SUFFIX)
    }
    members = services(scan_directory)
    together = [service for service in members if groups.get(service.program) == "services"]
    before = [s for s in members if groups.get(s.program, "services") != "services"]
    new = [service for service in members if service.program not in groups]
    for service in new:
        prepare(service, os.environ[HOME_VARIABLE], scan_directory)
    folder = Path(os.environ[FOLDER_VARIABLE])
    text = configuration_text(folder, os.environ[SOCKET_VARIABLE], together, [*before, *new])
    write(folder / "supervisord.conf", text)
    ((added, _, _),) = supervisor.ask("reloadConfig")
    for group in sorted(added):  # loggers first
        supervisor.ask("addProcessGroup", group)
