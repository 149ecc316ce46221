"""Starts dockerd without an init system: in containers, WSL and bare virtual machines."""

from __future__ import annotations

import time
from pathlib import Path
from subprocess import Popen

from os2cli.core.errors import Conflict, OperationFailed, Os2Error, TimedOut
from os2cli.core.progress import Progress
from os2cli.doctor.engine_facts import ask_engine
from os2cli.doctor.fixes.cgroups import ensure_cgroups
from os2cli.doctor.fixes.host import DAEMON_JSON, Host
from os2cli.doctor.fixes.json_file import read_settings
from os2cli.host.programs import TAIL_LINES
from os2cli.providers.local_docker.engine.address import Endpoint

LOG = "/var/log/os2-dockerd.log"
_VERDICT = "failed to start daemon"  # dockerd's last message, which may have several lines
_DEADLINE_SECONDS = 30.0
_POLL_SECONDS = 0.1
PID_FILE = "/var/run/docker.pid"
_PID_FILES = {
    PID_FILE: "dockerd",
    "/var/run/docker/containerd/containerd.pid": "containerd",
}


def start_dockerd(host: Host, progress: Progress, deadline: float = _DEADLINE_SECONDS) -> None:
    """Start dockerd and wait until it answers, at most ``deadline`` seconds for each attempt.

    Raises:
        Conflict: a dockerd runs but does not answer.
        OperationFailed: it dies; ``log_tail`` has the end of its log.
        TimedOut: it runs but does not answer in time.
    """
    ensure_cgroups(host, progress)
    _remove_stale_pid_files(host)
    options, endpoint = _listen_options(host)
    progress.status("waiting for dockerd to answer")
    tail = run_dockerd(host, options, endpoint, deadline)
    if tail and _is_about_iptables(tail):
        tail = _try_other_iptables(host, progress, tail, options, endpoint, deadline)
    if tail:
        raise failed_start(host, tail)


def failed_start(host: Host, tail: tuple[str, ...]) -> OperationFailed:
    """Return the error for a dockerd that died with these last lines."""
    reason = next((line for line in tail if line.startswith(_VERDICT)), tail[-1])
    return OperationFailed(
        f"dockerd failed to start: {reason}",
        hint=f"see its log: {host.path(LOG)}",
        code="engine_start_failed",
        log_tail=tail,
    )


def run_dockerd(
    host: Host, options: list[str], endpoint: Endpoint, deadline: float = _DEADLINE_SECONDS
) -> tuple[str, ...]:
    """Start once, and return the end of the log if dockerd died, nothing if it answers."""
    log = host.path(LOG)
    start = log.stat().st_size if log.exists() else 0
    process = host.commands.start_detached(["dockerd", *options], log)
    try:
        answers = _wait(process, endpoint, time.monotonic() + deadline)
    except BaseException:  # after an interrupt dockerd is unwanted
        process.terminate()
        raise
    if answers:
        return ()
    if process.poll() is None:
        raise TimedOut(
            f"timed out after {deadline:g} s waiting for dockerd (process {process.pid}) to answer",
            hint=f"see its log: {log}",
            code="engine_start_timeout",
            log_tail=_tail(log, start),
        )
    return _tail(log, start) or (f"exit code {process.returncode}, and its log is empty",)


def _wait(process: Popen[bytes], endpoint: Endpoint, end: float) -> bool:
    while process.poll() is None and time.monotonic() < end:
        try:
            ask_engine(endpoint, timeout=1.0)
        except Os2Error:
            time.sleep(_POLL_SECONDS)
        else:
            return True
    return False


def _tail(log: Path, start: int) -> tuple[str, ...]:
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").splitlines()
    return tuple(line for line in lines if line.strip())[-TAIL_LINES:]


def _remove_stale_pid_files(host: Host) -> None:
    """Remove the pid files of a killed daemon: other processes may now have those ids."""
    for name, program in _PID_FILES.items():
        file = host.path(name)
        try:
            pid = int(file.read_text())
        except FileNotFoundError:
            continue
        except ValueError:
            pid = 0
        if program_of(host, pid) != program:
            file.unlink(missing_ok=True)
        elif program == "dockerd":
            raise Conflict(
                f"dockerd already runs (process {pid}) but does not answer",
                hint=f"end it, then retry: kill {pid}",
                code="engine_hangs",
            )


def program_of(host: Host, pid: int) -> str:
    """Return a live process's name, empty if it is dead; without an init, zombies remain."""
    try:
        lines = host.path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return ""
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return "" if status.get("State", "Z")[0] in "ZX" else status.get("Name", "")


def _listen_options(host: Host) -> tuple[list[str], Endpoint]:
    """Return the ``-H`` options and where to wait: ``hosts`` in daemon.json excludes options."""
    config = host.path(DAEMON_JSON)
    if hosts := read_settings(config).get("hosts"):
        return [], Endpoint(str(hosts[0]).replace("fd://", host.socket.url), f"{config}")
    return ["-H", host.socket.url], host.socket


def _is_about_iptables(tail: tuple[str, ...]) -> bool:
    return any("iptables" in line and "fail" in line.lower() for line in tail)


def _try_other_iptables(
    host: Host,
    progress: Progress,
    first_tail: tuple[str, ...],
    options: list[str],
    endpoint: Endpoint,
    deadline: float,
) -> tuple[str, ...]:
    """Try iptables' other backend, as kernels differ; restore the first one if that fails."""
    current = host.path("/etc/alternatives/iptables")
    before = str(current.readlink()) if current.is_symlink() else ""
    other = "iptables-nft" if before.endswith("-legacy") else "iptables-legacy"
    if not before or not host.path(f"/usr/sbin/{other}").exists():
        return first_tail
    progress.notice(f"iptables fails, trying {other}")
    _set_iptables(host, f"/usr/sbin/{other}")
    tail = run_dockerd(host, options, endpoint, deadline)
    if tail:
        _set_iptables(host, before)
    return tail


def _set_iptables(host: Host, target: str) -> None:
    host.commands.check(("update-alternatives", "--set", "iptables", target), timeout=30)
