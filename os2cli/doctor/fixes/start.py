"""Starts Docker Engine: through systemd if it runs, else directly."""

from __future__ import annotations

from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.engine_facts import ask_engine
from os2cli.doctor.fixes.dockerd import LOG, start_dockerd
from os2cli.doctor.fixes.host import Host

_SYSTEMCTL_SECONDS = 100.0  # systemd itself gives a service 90


def start_engine(host: Host) -> Fix:
    """Return the fix for a Docker Engine that is installed but does not run."""
    if host.has_systemd:
        actions: tuple[str, ...] = ("systemctl enable --now docker",)
    else:
        actions = (
            f"start dockerd -H {host.socket.url}, with its log in {LOG}",
            "remove the pid file of a killed daemon, if any",
            "mount cgroups if missing, and switch iptables to its other backend if it fails",
        )
    return Fix(
        "start-engine", "start Docker Engine", actions, lambda progress: _start(host, progress)
    )


def _start(host: Host, progress: Progress) -> None:
    if _answers(host):
        return
    if host.has_systemd:
        systemctl(host, progress, "enable", "--now", "docker")
    else:
        start_dockerd(host, progress)


def _answers(host: Host) -> bool:
    try:
        ask_engine(host.socket)
    except Os2Error:
        return False
    return True


def systemctl(host: Host, progress: Progress, *arguments: str) -> None:
    """Run systemctl; a failure has the last lines of the service's journal."""
    argv = ("systemctl", *arguments)
    progress.status(" ".join(argv))
    result = host.commands.run(argv, timeout=_SYSTEMCTL_SECONDS, on_line=progress.log)
    if result.returncode == 0:
        return
    tail = result.tail
    if host.commands.find("journalctl"):
        journal = ("journalctl", "-u", "docker", "-n", "20", "--no-pager", "-o", "cat")
        tail += host.commands.run(journal, timeout=10).tail
    raise OperationFailed(
        f"{' '.join(argv)} failed with exit code {result.returncode}",
        hint="see why: journalctl -u docker",
        code="engine_start_failed",
        log_tail=tail,
    )
