"""The TCP API of a dockerd that runs without systemd: it restarts with other options."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

from os2cli.core.errors import Conflict, NotFound, TimedOut
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.dockerd import PID_FILE, failed_start, program_of, run_dockerd
from os2cli.doctor.fixes.host import DAEMON_JSON, Host
from os2cli.doctor.fixes.hosts import add_host, add_option, drop_host, drop_option, socket_of
from os2cli.doctor.fixes.json_file import read_settings, write_settings
from os2cli.doctor.fixes.switch import Switch, opened_elsewhere
from os2cli.providers.local_docker.engine.address import Endpoint

_STOP_SECONDS = 60.0  # dockerd itself gives its containers 15
_POLL_SECONDS = 0.1


def dockerd_tcp_api(host: Host, switch: Switch) -> Fix:
    """Return the fix that restarts dockerd with the address or without it."""
    way = "with" if switch.on else "without"
    actions = (
        f"stop dockerd and start it again {way} -H {host.tcp_url} (running containers stop)",
        f'or change "hosts" in {DAEMON_JSON} before, with a backup, if that file has them',
    )
    return switch.fix("Docker Engine", actions, partial(_apply, host, switch))


def _apply(host: Host, switch: Switch, progress: Progress) -> None:
    pid = _running(host)
    options = _options(host, pid)
    path = host.path(DAEMON_JSON)
    settings = read_settings(path)
    if "hosts" in settings:
        change = add_host if switch.on else drop_host
        changed = change(settings, path, host.tcp_url)
        if changed != settings:
            backup = write_settings(path, changed, host.now())
            _restart(host, progress, pid, options, options, undo=(path, backup))
            return
    else:
        other = (
            add_option(options, host.tcp_url, host.socket.url, "dockerd")
            if switch.on
            else drop_option(options, host.tcp_url)
        )
        if other != options:
            _restart(host, progress, pid, options, other)
            return
    if not switch.on:
        raise opened_elsewhere("dockerd", host.tcp_url)


def _running(host: Host) -> int:
    try:
        pid = int(host.path(PID_FILE).read_text())
    except (OSError, ValueError):
        pid = 0
    if pid == 1:
        raise Conflict(
            "dockerd is this container's first process, which cannot restart",
            hint="restart the container with other options of dockerd",
            code="engine_not_restartable",
        )
    if program_of(host, pid) != "dockerd":
        raise NotFound(
            f"no dockerd to restart: {host.path(PID_FILE)} names none that runs",
            hint="change the options of the engine where it is started",
            code="engine_not_restartable",
        )
    return pid


def _options(host: Host, pid: int) -> list[str]:
    """Return the options of a process, without its program: an interpreter has more words."""
    words = host.path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
    return words[1:]


def _restart(
    host: Host,
    progress: Progress,
    pid: int,
    before: list[str],
    options: list[str],
    undo: tuple[Path, Path | None] | None = None,
) -> None:
    """Restart dockerd; if that fails, restore its settings and options and start it again."""
    _stop(host, progress, pid)
    if tail := _start(host, progress, options):
        progress.warn("dockerd does not start with the change: it starts as before")
        if undo is not None:
            path, backup = undo
            path.unlink() if backup is None else backup.replace(path)
        _start(host, progress, before)
        raise failed_start(host, tail)


def _start(host: Host, progress: Progress, options: list[str]) -> tuple[str, ...]:
    progress.status("waiting for dockerd to answer")
    endpoint = Endpoint(socket_of(options, host.socket.url), "the default socket")
    return run_dockerd(host, options, endpoint)


def _stop(host: Host, progress: Progress, pid: int) -> None:
    progress.status("waiting for dockerd to stop")
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _STOP_SECONDS
    while program_of(host, pid) == "dockerd":
        if time.monotonic() > end:
            raise TimedOut(
                f"timed out after {_STOP_SECONDS:g} s waiting for dockerd (process {pid}) to stop",
                hint=f"end it, then retry: kill {pid}",
                code="engine_hangs",
            )
        time.sleep(_POLL_SECONDS)
