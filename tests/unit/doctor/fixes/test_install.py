"""Installing Docker Engine with apt, and what goes wrong with apt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.doctor.fixes.install import install_engine

if TYPE_CHECKING:
    from pathlib import Path

    from os2cli.doctor.fixes import Host

INSTALL = (
    "apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "
    "docker.io iptables ca-certificates"
)
# The real `apt-cache policy` of Debian 12, with more versions than a tail keeps.
OFFERED = 'echo "docker.io:"; echo "  Installed: (none)"; echo "  Candidate: 20.10.24+dfsg1-1"\n'
OFFERED += 'for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "  v$n"; echo "  500 http://deb"; done'
BOOKWORM = f'if [ "$2" = docker.io ]; then {OFFERED}; else echo "N: Unable to locate $2"; fi'
TRIXIE = 'echo "$2:"; echo "  Installed: (none)"; echo "  Candidate: 26.1.5+dfsg1-9+b11"'


@pytest.fixture
def policy(host: Host) -> Path:
    return host.path("/usr/sbin/policy-rc.d")


def add_apt(
    programs: Any, policy: Path, update: str = "", install: str = "", offers: str = BOOKWORM
) -> None:
    """Add an apt-get that shows during installation whether services are held back."""
    programs.add("apt-cache", offers)
    script = f"""
case "$*" in
*update) {update or ":"} ;;
*install*) echo "frontend $DEBIAN_FRONTEND"
  if [ -x {policy} ]; then {policy}; echo "policy says $?"; fi
  {install or ":"} ;;
esac"""
    programs.add("apt-get", script)


def test_it_updates_and_installs(host: Host, programs: Any, policy: Path, progress: Any) -> None:
    add_apt(programs, policy)
    fix = install_engine(host)
    assert fix.actions[0] == "apt-get update"
    assert fix.actions[1].startswith(INSTALL)
    fix.apply(progress)
    assert programs.calls == [
        "apt-get -o DPkg::Lock::Timeout=120 update",
        "apt-cache policy docker.io",
        "apt-cache policy docker-cli",
        INSTALL,
    ]
    assert progress.lines == ["frontend noninteractive", "policy says 101"]
    assert not policy.exists()


def test_the_docker_command_comes_along_where_it_is_a_package_of_its_own(
    host: Host, programs: Any, policy: Path, progress: Any
) -> None:
    add_apt(programs, policy, offers=TRIXIE)
    install_engine(host).apply(progress)
    assert programs.calls[-1] == f"{INSTALL} docker-cli"


def test_an_installed_engine_is_left_alone(host: Host, programs: Any, progress: Any) -> None:
    programs.add("dockerd")
    install_engine(host).apply(progress)
    assert programs.calls == []


def test_under_systemd_services_start_as_usual(
    host: Host, programs: Any, policy: Path, progress: Any
) -> None:
    host.path("/run/systemd/system").mkdir(parents=True)
    add_apt(programs, policy)
    install_engine(host).apply(progress)
    assert progress.lines == ["frontend noninteractive"]


def test_an_existing_policy_stays(host: Host, programs: Any, policy: Path, progress: Any) -> None:
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o755)
    add_apt(programs, policy)
    install_engine(host).apply(progress)
    assert progress.lines[-1] == "policy says 104"
    assert policy.read_text().endswith("exit 104\n")


def test_an_interrupt_removes_our_policy(
    host: Host, programs: Any, policy: Path, progress: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_apt(programs, policy, install="sleep 60")

    def interrupt(line: str) -> None:
        assert policy.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "log", interrupt)
    with pytest.raises(KeyboardInterrupt):
        install_engine(host).apply(progress)
    assert not policy.exists()


def test_a_failing_foreign_source_is_only_a_warning(
    host: Host, programs: Any, policy: Path, progress: Any
) -> None:
    complaint = "E: Failed to fetch https://foreign.example/InRelease  403  Forbidden"
    add_apt(programs, policy, update=f'echo "{complaint}"; exit 100')
    install_engine(host).apply(progress)
    assert progress.warnings == [f"apt-get update: {complaint}"]
    assert programs.calls[-1] == INSTALL


def test_without_network_it_says_so(host: Host, programs: Any, policy: Path, progress: Any) -> None:
    complaint = "W: Failed to fetch http://deb.example/InRelease  Could not resolve"
    add_apt(programs, policy, update=f'echo "{complaint}"')
    programs.add("apt-cache", 'echo "docker.io:"; echo "  Candidate: (none)"')
    with pytest.raises(OperationFailed) as caught:
        install_engine(host).apply(progress)
    assert caught.value.code == "engine_not_installable"
    assert caught.value.message.endswith("cannot fetch the package lists")
    assert caught.value.log_tail == (complaint,)
    assert not policy.exists()


def test_an_interrupted_dpkg_is_finished_first(
    host: Host, programs: Any, policy: Path, progress: Any, folder: Path
) -> None:
    complaint = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct it"
    install = f'[ -e {folder}/configured ] || {{ echo "{complaint}"; exit 100; }}'
    add_apt(programs, policy, install=install)
    programs.add("dpkg", f": > {folder}/configured")
    install_engine(host).apply(progress)
    assert programs.calls[3:] == [INSTALL, "dpkg --configure -a", INSTALL]


def test_a_failed_install_carries_its_last_lines(
    host: Host, programs: Any, policy: Path, progress: Any
) -> None:
    add_apt(programs, policy, install='echo "E: Could not get lock"; exit 100')
    with pytest.raises(
        OperationFailed, match="cannot install Docker Engine: E: Could not get lock"
    ) as e:
        install_engine(host).apply(progress)
    assert e.value.log_tail[-1] == "E: Could not get lock"
    assert e.value.hint == f"run it by hand: {INSTALL}"
