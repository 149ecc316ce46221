"""``s6-svscan FOLDER``: configure supervisor for the services there, and run it."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from os2cli.providers.local_process.s6.exec import exec_program
from os2cli.providers.local_process.s6.folders import (
    DEFAULT_KILL_MILLISECONDS,
    FOLDER_VARIABLE,
    HOME_VARIABLE,
    SOCKET_VARIABLE,
    ServiceFolder,
    services,
)
from os2cli.providers.local_process.s6.rpc import Supervisor

PROGRAM_FILE = Path(__file__).with_name("__main__.py")
# How much longer supervisor waits for a service with a `finish`.
FINISH_SECONDS = 6
NEVER_SECONDS = 10**6
WAKE_SECONDS = 10.0
POLL_SECONDS = 0.02
# Paths in scripts that were written for the image.
IMAGE_HOME, IMAGE_RUN = "/opt/os2/", "/run/os2/"


def main(arguments: list[str]) -> NoReturn:
    """Configure supervisor and exec it in the foreground."""
    scan_directory = Path(arguments[-1]).resolve()
    folder = Path(os.environ[FOLDER_VARIABLE])
    members = services(scan_directory)
    _make_private(scan_directory)
    for service in members:
        prepare(service, os.environ[HOME_VARIABLE], scan_directory)
    configuration = folder / "supervisord.conf"
    write(configuration, configuration_text(folder, os.environ[SOCKET_VARIABLE], members))
    _wake(os.environ[SOCKET_VARIABLE])
    exec_program([sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(configuration)])


def _make_private(folder: Path) -> None:
    """Close the copies of services, which have the modes of their originals, to other users."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)


def _wake(socket: str) -> None:
    """Call supervisor as soon as it listens: otherwise it sleeps for a second first."""
    if os.fork():
        return
    try:
        supervisor = Supervisor(socket)
        deadline = time.monotonic() + WAKE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                supervisor.ask("getState")
                break
            time.sleep(POLL_SECONDS)
    finally:
        os._exit(0)


def prepare(service: ServiceFolder, home: str, scan_directory: Path) -> None:
    """Prepare a service for this host: its state, its FIFO, and the paths in its scripts."""
    for part in filter(None, (service, service.logger)):
        part.prepare()
        for name in ("run", "finish"):
            _relocate(part.path / name, home, scan_directory)


def _relocate(script: Path, home: str, scan_directory: Path) -> None:
    if not script.is_file():
        return
    text = script.read_bytes()
    paths = {IMAGE_HOME: f"{home}/", IMAGE_RUN: f"{scan_directory.parent}/"}
    if not text.startswith(b"#!") or Path(home) == Path(IMAGE_HOME):
        return
    moved = text
    for there, here in paths.items():
        moved = moved.replace(there.encode(), os.fsencode(here))
    if moved != text:
        script.write_bytes(moved)


def write(path: Path, text: str) -> None:
    """Write a file atomically, readable by this user only."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def configuration_text(
    folder: Path,
    socket: str,
    together: Sequence[ServiceFolder],
    alone: Sequence[ServiceFolder] = (),
) -> str:
    """Return supervisor's configuration.

    ``together`` are in one group, because supervisor ends groups one after the other; ``alone``
    came later, because a group cannot grow. Loggers end after the services that they read.
    """
    sections: dict[str, Mapping[str, object]] = {
        "unix_http_server": {"file": socket, "chmod": "0700"},
        "supervisord": {
            "nodaemon": "true",
            "silent": "true",
            "logfile": folder / "supervisord.log",
            "logfile_maxbytes": "1MB",
            "logfile_backups": 1,
            "pidfile": folder / "supervisord.pid",
            "childlogdir": folder,
            "directory": folder,
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    groups = {"": together, **{f"-{service.program}": [service] for service in alone}}
    for name, group in groups.items():
        loggers = [logger for service in group if (logger := service.logger)]
        for priority, kind, members in ((1, "loggers", loggers), (2, "services", group)):
            if members:
                sections[f"group:{kind}{name}"] = {
                    "programs": ",".join(member.program for member in members),
                    "priority": priority,
                }
        sections |= {f"program:{each.program}": program(each) for each in (*loggers, *group)}
    return "\n".join(_lines(sections))


def program(service: ServiceFolder) -> dict[str, object]:
    """Return one service's section; without a logger its output becomes supervisor's."""
    limit = service.number("timeout-kill", DEFAULT_KILL_MILLISECONDS)
    seconds = math.ceil(limit / 1000) if limit else NEVER_SECONDS
    finishes = (service.path / "finish").is_file()
    command = (sys.executable, "-I", "-S", PROGRAM_FILE, "os2-run-service", service.path)
    return {
        "command": " ".join(_quoted(str(part)) for part in command),
        "directory": service.path,
        "autostart": "false" if (service.path / "down").exists() else "true",
        "autorestart": "true",
        "startsecs": 0,
        "stopsignal": _stop_signal(service),
        "stopwaitsecs": seconds + FINISH_SECONDS if finishes else seconds,
        "stopasgroup": "true",
        "killasgroup": "true",
        "stdout_logfile": "/dev/stdout",
        "stdout_logfile_maxbytes": 0,
        "stderr_logfile": "/dev/stderr",
        "stderr_logfile_maxbytes": 0,
    }


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _stop_signal(service: ServiceFolder) -> str:
    try:
        return (service.path / "down-signal").read_text().strip().removeprefix("SIG") or "TERM"
    except OSError:
        return "TERM"


def _lines(sections: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for name, values in sections.items():
        yield f"[{name}]"
        for key, value in values.items():
            # Supervisor takes the rest of a line after " ;" for a comment, and %(…)s for a name.
            yield f"{key}={str(value).replace('%', '%%')}"
        yield ""
