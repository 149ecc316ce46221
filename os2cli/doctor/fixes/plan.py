"""Plans the fixes for findings; a remedy that cannot run on this host stays advice."""

from __future__ import annotations

from collections.abc import Iterable

from os2cli.core.fix import Fix
from os2cli.doctor.findings import Finding, FixId
from os2cli.doctor.fixes.host import Host
from os2cli.doctor.fixes.install import install_engine
from os2cli.doctor.fixes.products import desktop_tcp_api, orbstack_tcp_api
from os2cli.doctor.fixes.start import start_engine
from os2cli.doctor.fixes.systemd_tcp_api import systemd_tcp_api


def plan_fixes(findings: Iterable[Finding], host: Host) -> list[Fix]:
    """Return the fixes in the order in which they must run; empty if os2 can fix nothing.

    Planning changes nothing. Fixes that need root are planned only for root.
    """
    fix_ids = dict.fromkeys(finding.remedy.fix for finding in findings if finding.remedy)
    return [fix for fix_id in fix_ids if fix_id for fix in _fixes(fix_id, host)]


def _fixes(fix_id: FixId, host: Host) -> list[Fix]:
    match fix_id:
        case FixId.START_ENGINE:
            return _engine_fixes(host)
        case FixId.TCP_API_ENGINE:
            # Without systemd the options of a running dockerd are unknown, unless os2 started it:
            # then the TCP API is on.
            return [systemd_tcp_api(host)] if host.is_root and host.has_systemd else []
        case FixId.TCP_API_ORBSTACK:
            return [orbstack_tcp_api(host)] if host.platform == "darwin" else []
        case FixId.TCP_API_DESKTOP:
            return [desktop_tcp_api(host)] if host.platform == "win32" else []


def _engine_fixes(host: Host) -> list[Fix]:
    if not host.is_root or not host.platform.startswith("linux"):
        return []
    if host.commands.find("dockerd"):
        return [start_engine(host)]
    return [install_engine(host), start_engine(host)] if host.commands.find("apt-get") else []
