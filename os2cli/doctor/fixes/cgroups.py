"""Mounts the control groups that dockerd needs, where nothing has done so (bare containers)."""

from __future__ import annotations

from pathlib import Path

from os2cli.doctor.fixes.host import Host
from os2cli.errors import OperationFailed
from os2cli.progress import Progress

_SECONDS = 10.0


def ensure_cgroups(host: Host, progress: Progress) -> None:
    """Do nothing when cgroups are mounted, else mount version 2, else version 1.

    Raises:
        OperationFailed: neither can be mounted; a container must be started with ``--privileged``.
    """
    folder = host.path("/sys/fs/cgroup")
    if (folder / "cgroup.controllers").exists() or any((folder / "memory").glob("*")):
        return
    progress.notice(f"nothing is mounted on {folder}: mounting cgroups")
    tail: list[str] = []
    if _mount(host, tail, "cgroup2", "cgroup2", folder) or _mount_version_1(host, folder, tail):
        return
    raise OperationFailed(
        f"dockerd needs cgroups, and they cannot be mounted on {folder}",
        hint="in a container, start that container with --privileged",
        code="cgroups_missing",
        log_tail=tuple(tail),
    )


def _mount(host: Host, tail: list[str], kind: str, source: str, folder: Path, *more: str) -> bool:
    argv = ("mount", "-t", kind, *more, source, str(folder))
    result = host.commands.run(argv, timeout=_SECONDS)
    tail.extend(result.tail)
    return result.returncode == 0


def _mount_version_1(host: Host, folder: Path, tail: list[str]) -> bool:
    """One mount for each controller that the kernel has; memory and devices are what counts."""
    if not _mount(host, tail, "tmpfs", "cgroup", folder):
        return False
    mounted = set[str]()
    for name in _controllers(host):
        (folder / name).mkdir(exist_ok=True)
        if _mount(host, tail, "cgroup", "cgroup", folder / name, "-o", name):
            mounted.add(name)
    return {"devices", "memory"} <= mounted


def _controllers(host: Host) -> list[str]:
    """The enabled ones of ``/proc/cgroups``: name, hierarchy, groups, enabled."""
    try:
        rows = host.path("/proc/cgroups").read_text().splitlines()
    except OSError:
        return []
    return [row.split()[0] for row in rows if not row.startswith("#") and row.split()[-1] == "1"]
