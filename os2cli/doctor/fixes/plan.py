"""Plans the fixes for findings; a remedy that cannot run on this host stays advice."""

from __future__ import annotations

from collections.abc import Iterable

from os2cli.core.fix import Fix
from os2cli.doctor.findings import Finding, FixId
from os2cli.doctor.fixes.host import Host
from os2cli.doctor.fixes.install import install_engine
from os2cli.doctor.fixes.start import start_engine


def plan_fixes(findings: Iterable[Finding], host: Host) -> list[Fix]:
    """Return the fixes in the order in which they must run; empty if os2 can fix nothing.

    Planning changes nothing. Fixes that need root are planned only for root, and those of the TCP
    API only by name (``plan_tcp_api``).
    """
    wanted = {finding.remedy.fix for finding in findings if finding.remedy}
    return engine_fixes(host) if FixId.START_ENGINE in wanted else []


def engine_fixes(host: Host) -> list[Fix]:
    """Return what installs and starts Docker Engine; empty if os2 cannot."""
    if not host.is_root or not host.platform.startswith("linux"):
        return []
    if host.commands.find("dockerd"):
        return [start_engine(host)]
    return [install_engine(host), start_engine(host)] if host.commands.find("apt-get") else []
