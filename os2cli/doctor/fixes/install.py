"""Installs Docker Engine from the packages of Debian or Ubuntu."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from os2cli.core.errors import OperationFailed
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.doctor.fixes.host import Host

PACKAGES = ("docker.io", "iptables", "ca-certificates")
# The command `docker`: a separate package since Debian 13, before that a part of docker.io.
CLIENT_PACKAGE = "docker-cli"
_UPDATE_SECONDS = 180.0
_INSTALL_SECONDS = 600.0
_APT = ("apt-get", "-o", "DPkg::Lock::Timeout=120")
_INSTALL = (*_APT, "install", "-y", "--no-install-recommends", *PACKAGES)
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_POLICY = "/usr/sbin/policy-rc.d"


def install_engine(host: Host) -> Fix:
    """Return the fix for a host with apt-get but without Docker Engine."""
    actions = (
        "apt-get update",
        f"{' '.join(_INSTALL)} (and {CLIENT_PACKAGE} if it is a separate package)",
    )
    return Fix(
        "install-engine",
        "install Docker Engine",
        actions,
        lambda progress: _install(host, progress),
    )


def _install(host: Host, progress: Progress) -> None:
    if host.commands.find("dockerd"):
        return
    with _services_held_back(host):
        _update(host, progress)
        client = (CLIENT_PACKAGE,) if _is_available(host, CLIENT_PACKAGE) else ()
        _install_packages(host, progress, (*_INSTALL, *client))


def _update(host: Host, progress: Progress) -> None:
    """Refresh the package lists; a failing third-party source is only a warning."""
    progress.status("apt-get update")
    argv = (*_APT, "update")
    result = host.commands.run(argv, timeout=_UPDATE_SECONDS, on_line=progress.log, extra=_QUIET)
    if not _is_available(host, PACKAGES[0]):
        failed = bool(_complaints(result.tail))
        reason = "cannot fetch the package lists" if failed else "see /etc/apt"
        raise OperationFailed(
            f"no package source offers {PACKAGES[0]}: {reason}",
            hint="check the network and the package sources, then: apt-get update",
            code="engine_not_installable",
            log_tail=result.tail,
        )
    if result.returncode != 0:
        progress.warn(f"apt-get update: {' '.join(_complaints(result.tail)[:1])}")


def _is_available(host: Host, package: str) -> bool:
    lines: list[str] = []
    host.commands.run(("apt-cache", "policy", package), timeout=30, on_line=lines.append)
    return any("Candidate:" in line and "(none)" not in line for line in lines)


def _complaints(lines: tuple[str, ...]) -> list[str]:
    return [line for line in lines if line.startswith(("E:", "W:"))]


def _install_packages(host: Host, progress: Progress, command: tuple[str, ...]) -> None:
    progress.status("apt-get install")
    run = host.commands.run
    result = run(command, timeout=_INSTALL_SECONDS, on_line=progress.log, extra=_QUIET)
    if any("dpkg --configure -a" in line for line in result.tail):  # an earlier run was interrupted
        progress.notice("finishing an interrupted dpkg run first")
        configure = ("dpkg", "--configure", "-a")
        run(configure, timeout=_INSTALL_SECONDS, on_line=progress.log, extra=_QUIET)
        result = run(command, timeout=_INSTALL_SECONDS, on_line=progress.log, extra=_QUIET)
    if result.returncode != 0:
        raise OperationFailed(
            "cannot install Docker Engine: "
            + " ".join(
                _complaints(result.tail)[:1]
                or [f"apt-get failed with exit code {result.returncode}"]
            ),
            hint=f"run it by hand: {' '.join(command)}",
            code="engine_install_failed",
            log_tail=result.tail,
        )


@contextlib.contextmanager
def _services_held_back(host: Host) -> Iterator[None]:
    """Keep packages from starting services that no init system would supervise.

    An existing ``policy-rc.d`` stays in force.
    """
    policy = host.path(_POLICY)
    try:
        if host.has_systemd:
            raise FileExistsError
        descriptor = os.open(policy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileExistsError:
        yield
        return
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write("#!/bin/sh\nexit 101\n")  # 101: action forbidden, see invoke-rc.d(8)
        policy.chmod(0o755)
        yield
    finally:
        policy.unlink(missing_ok=True)
