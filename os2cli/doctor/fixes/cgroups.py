"""Mounts the control groups that dockerd needs, in containers without them."""

from __future__ import annotations

from pathlib import Path

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import Host

_SECONDS = 10.0
_UNBOUND = "0"  # the hierarchy of a controller that version 2 has, or that is unused


def ensure_cgroups(host: Host, progress: Progress) -> None:
    """Do nothing if cgroups are mounted, else mount version 2, else version 1.

    If the host of a container uses version 1, version 2 mounts without controllers: an engine
    would run on it and ignore every limit.

    Raises:
        OperationFailed: neither can be mounted; a container needs ``--privileged``.
    """
    folder = host.path("/sys/fs/cgroup")
    if (folder / "cgroup.controllers").exists() or any((folder / "memory").glob("*")):
        return
    progress.notice(f"mounting cgroups on {folder}")
    tail: list[str] = []
    memory = _controllers(host).get("memory")
    if memory in (None, _UNBOUND) and _mount(host, tail, "cgroup2", "cgroup2", folder):
        return
    if _mount_version_1(host, folder, tail):
        return
    raise OperationFailed(
        f"cannot mount cgroups on {folder}, which dockerd needs",
        hint="if this is a container, start it with --privileged",
        code="cgroups_missing",
        log_tail=tuple(tail),
    )


def _mount(host: Host, tail: list[str], kind: str, source: str, folder: Path, *more: str) -> bool:
    argv = ("mount", "-t", kind, *more, source, str(folder))
    result = host.commands.run(argv, timeout=_SECONDS)
    tail.extend(result.tail)
    return result.returncode == 0


def _mount_version_1(host: Host, folder: Path, tail: list[str]) -> bool:
    """Mount each controller that the kernel has; memory and devices are required."""
    if not _mount(host, tail, "tmpfs", "cgroup", folder):
        return False
    mounted = set[str]()
    for name in _controllers(host):
        (folder / name).mkdir(exist_ok=True)
        if _mount(host, tail, "cgroup", "cgroup", folder / name, "-o", name):
            mounted.add(name)
    return {"devices", "memory"} <= mounted


def _controllers(host: Host) -> dict[str, str]:
    """Return the enabled controllers of ``/proc/cgroups``, and the version-1 hierarchy of each.

    Its columns are name, hierarchy, groups, enabled.
    """
    try:
        rows = host.path("/proc/cgroups").read_text().splitlines()
    except OSError:
        return {}
    fields = [row.split() for row in rows if not row.startswith("#")]
    return {name: hierarchy for name, hierarchy, _, enabled in fields if enabled == "1"}
