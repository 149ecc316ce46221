"""Which fixes are planned on which host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.doctor.findings import Finding, FixId, Remedy, Status
from os2cli.doctor.fixes import plan_fixes, this_host

if TYPE_CHECKING:
    from pathlib import Path

    from os2cli.doctor.fixes import Host


def planned(host: Host, *fixes: FixId | None) -> list[str]:
    findings = [Finding("c", Status.WARNING, "w", None, Remedy("t", (), fix)) for fix in fixes]
    plain = Finding("c", Status.OK, "fine")
    return [fix.id for fix in plan_fixes([plain, *findings], host)]


def test_nothing_wanted_is_nothing_planned(host: Host) -> None:
    assert planned(host, None) == []


def test_an_engine_is_installed_and_started(host: Host, programs: Any) -> None:
    programs.add("apt-get")
    assert planned(host, FixId.START_ENGINE) == ["install-engine", "start-engine"]


def test_an_installed_engine_is_only_started(host: Host, programs: Any) -> None:
    programs.add("dockerd")
    assert planned(host, FixId.START_ENGINE, FixId.START_ENGINE) == ["start-engine"]


def test_without_apt_there_is_nothing_to_do(host: Host) -> None:
    assert planned(host, FixId.START_ENGINE) == []


@pytest.mark.parametrize("change", [{"is_root": False}, {"platform": "darwin"}])
def test_an_engine_needs_linux_and_root(host: Host, programs: Any, change: dict[str, Any]) -> None:
    programs.add("dockerd")
    assert planned(replace(host, **change), FixId.START_ENGINE) == []


@pytest.mark.parametrize("fix", [FixId.TCP_API, FixId.TCP_API_OFF])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_plain_fix_never_touches_the_tcp_api(
    host: Host, programs: Any, fix: FixId, platform: str
) -> None:
    programs.add("dockerd")
    host.path("/run/systemd/system").mkdir(parents=True)
    assert planned(replace(host, platform=platform), fix) == []


def test_this_computer(tmp_path: Path) -> None:
    host = this_host({"PATH": str(tmp_path)}, tmp_path)
    assert str(host.root) == "/"
    assert host.socket.url == "unix:///var/run/docker.sock"
