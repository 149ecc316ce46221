"""Turning on the TCP API edits real files: merged, backed up, restored after a failure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.doctor.fixes.json_file import read_settings, write_settings
from os2cli.doctor.fixes.products import desktop_tcp_api, orbstack_tcp_api
from os2cli.doctor.fixes.switch import Switch
from os2cli.doctor.fixes.systemd_tcp_api import systemd_tcp_api

if TYPE_CHECKING:
    from pathlib import Path

    from os2cli.doctor.fixes import Host

NOW = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
TCP = "tcp://127.0.0.1:2375"
UNIX = "unix:///var/run/docker.sock"


@pytest.fixture
def host(host: Host) -> Host:
    return replace(host, now=lambda: NOW)


def backups(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if each != path)


class TestOrbStack:
    @pytest.fixture
    def settings(self, host: Host) -> Path:
        path = host.home / ".orbstack/config/docker.json"
        path.parent.mkdir(parents=True)
        return path

    def test_other_keys_stay_and_a_backup_is_kept(
        self, host: Host, settings: Path, programs: Any, progress: Any
    ) -> None:
        text = '{"insecure-registries": ["a:5000"], "hosts": ["unix:///x.sock"]}'
        settings.write_text(text)
        settings.chmod(0o600)
        programs.add("orb")
        orbstack_tcp_api(host, Switch.ON).apply(progress)
        assert json.loads(settings.read_text()) == {
            "insecure-registries": ["a:5000"],
            "hosts": ["unix:///x.sock", TCP],
        }
        assert settings.stat().st_mode & 0o777 == 0o600
        assert backups(settings) == ["docker.json.os2-backup-20260111T193045Z"]
        assert (settings.parent / backups(settings)[0]).read_text() == text
        assert programs.calls == ["orb restart docker"]

    def test_a_second_run_changes_nothing(
        self, host: Host, settings: Path, programs: Any, progress: Any
    ) -> None:
        programs.add("orb")
        orbstack_tcp_api(host, Switch.ON).apply(progress)
        first = settings.read_bytes()
        assert json.loads(first) == {"hosts": [UNIX, TCP]}
        orbstack_tcp_api(host, Switch.ON).apply(progress)
        assert settings.read_bytes() == first
        assert backups(settings) == []
        assert programs.calls == ["orb restart docker"]

    def test_off_removes_the_address_alone(
        self, host: Host, settings: Path, programs: Any, progress: Any
    ) -> None:
        settings.write_text(json.dumps({"debug": True, "hosts": [UNIX, TCP]}))
        programs.add("orb")
        orbstack_tcp_api(host, Switch.OFF).apply(progress)
        assert json.loads(settings.read_text()) == {"debug": True, "hosts": [UNIX]}
        assert programs.calls == ["orb restart docker"]
        with pytest.raises(OperationFailed, match="another setting or program does"):
            orbstack_tcp_api(host, Switch.OFF).apply(progress)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('{\n  "hosts": [\n', r"docker\.json, line 3: "),
            ("[]", r"docker\.json, line 1: not a JSON object"),
            ('{"hosts": "x"}', r'docker\.json: "hosts" is not a list'),
            ('{"hosts": ["tcp://0.0.0.0:2375"]}', "which may be open to other hosts"),
        ],
    )
    def test_what_it_does_not_understand_is_not_touched(
        self,
        host: Host,
        settings: Path,
        programs: Any,
        progress: Any,
        text: str,
        problem: str,
    ) -> None:
        settings.write_text(text)
        with pytest.raises(UsageError, match=problem):
            orbstack_tcp_api(host, Switch.ON).apply(progress)
        assert settings.read_text() == text
        assert backups(settings) == []
        assert programs.calls == []

    def test_without_orb_the_user_restarts_it(
        self, host: Host, settings: Path, progress: Any
    ) -> None:
        orbstack_tcp_api(host, Switch.ON).apply(progress)
        assert settings.exists()
        assert progress.warnings == ["orb is not on the PATH: restart OrbStack yourself"]


class TestDesktop:
    def test_the_switch_is_set_once(self, host: Host, programs: Any, progress: Any) -> None:
        path = host.home / "AppData/Roaming/Docker/settings-store.json"
        path.parent.mkdir(parents=True)
        path.write_text('\ufeff{"AutoStart": true}', "utf-8")
        programs.add("docker")
        for _ in range(2):
            desktop_tcp_api(host, Switch.ON).apply(progress)
        assert json.loads(path.read_text()) == {
            "AutoStart": True,
            "ExposeDockerAPIOnTCP2375": True,
        }
        assert programs.calls == ["docker desktop restart"]
        desktop_tcp_api(host, Switch.OFF).apply(progress)
        assert json.loads(path.read_text())["ExposeDockerAPIOnTCP2375"] is False


UNIT = """echo '# /lib/systemd/system/docker.service'
echo '[Service]'
echo 'ExecStart=/usr/sbin/dockerd -H fd:// \\\\'
echo '  $DOCKER_OPTS'
"""


class TestSystemd:
    @pytest.fixture
    def drop_in(self, host: Host) -> Path:
        return host.path("/etc/systemd/system/docker.service.d/zz-os2-tcp-api.conf")

    def add_systemctl(self, programs: Any, drop_in: Path, restart: str = "") -> None:
        """Add a systemctl whose `cat` shows the unit and then the drop-in, like the real one."""
        script = f"""case "$1" in
cat) {UNIT}
  [ ! -e {drop_in} ] || cat {drop_in} ;;
restart) {restart or ":"} ;;
esac"""
        programs.add("systemctl", script)

    def test_a_drop_in_extends_the_command(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        self.add_systemctl(programs, drop_in)
        systemd_tcp_api(host, Switch.ON).apply(progress)
        assert drop_in.read_text().splitlines()[1:] == [
            "[Service]",
            "ExecStart=",
            f"ExecStart=/usr/sbin/dockerd -H fd://    $DOCKER_OPTS -H {TCP}",
        ]
        restart = ["systemctl daemon-reload", "systemctl restart docker"]
        assert programs.calls == ["systemctl cat docker.service", *restart]
        assert not host.path("/etc/docker").exists()

    def test_a_second_run_changes_nothing(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        self.add_systemctl(programs, drop_in)
        systemd_tcp_api(host, Switch.ON).apply(progress)
        first = drop_in.read_text()
        systemd_tcp_api(host, Switch.ON).apply(progress)
        assert drop_in.read_text() == first
        assert programs.calls[3:] == ["systemctl cat docker.service"]

    def test_a_restart_that_fails_is_undone(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        self.add_systemctl(programs, drop_in, restart=f"[ ! -e {drop_in} ]")
        with pytest.raises(OperationFailed, match="systemctl restart docker failed"):
            systemd_tcp_api(host, Switch.ON).apply(progress)
        assert not drop_in.exists()
        assert programs.calls[-2:] == ["systemctl daemon-reload", "systemctl restart docker"]
        assert "restoring " in progress.warnings[0]

    def test_hosts_in_daemon_json_are_extended_there(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        path = host.path("/etc/docker/daemon.json")
        path.parent.mkdir()
        path.write_text(json.dumps({"hosts": [UNIX], "debug": True}))
        self.add_systemctl(programs, drop_in)
        for _ in range(2):
            systemd_tcp_api(host, Switch.ON).apply(progress)
        assert json.loads(path.read_text()) == {"hosts": [UNIX, TCP], "debug": True}
        assert not drop_in.exists()
        assert programs.calls == ["systemctl daemon-reload", "systemctl restart docker"]

    def test_daemon_json_is_put_back_too(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        path = host.path("/etc/docker/daemon.json")
        path.parent.mkdir()
        path.write_text(json.dumps({"hosts": [UNIX]}))
        self.add_systemctl(programs, drop_in, restart="exit 1")
        with pytest.raises(OperationFailed):
            systemd_tcp_api(host, Switch.ON).apply(progress)
        assert json.loads(path.read_text()) == {"hosts": [UNIX]}

    def test_a_port_open_to_everyone_is_refused(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        programs.add("systemctl", "echo 'ExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2375'")
        with pytest.raises(UsageError, match="may be open to other hosts"):
            systemd_tcp_api(host, Switch.ON).apply(progress)
        assert not drop_in.exists()

    def test_a_command_without_hosts_keeps_the_default_socket(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        programs.add("systemctl", "echo 'ExecStart=/usr/bin/dockerd --debug'")
        systemd_tcp_api(host, Switch.ON).apply(progress)
        expected = f"ExecStart=/usr/bin/dockerd --debug -H {UNIX} -H {TCP}"
        assert drop_in.read_text().splitlines()[-1] == expected

    def test_off_removes_the_drop_in(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        self.add_systemctl(programs, drop_in)
        systemd_tcp_api(host, Switch.ON).apply(progress)
        systemd_tcp_api(host, Switch.OFF).apply(progress)
        assert not drop_in.exists()
        assert programs.calls[-2:] == ["systemctl daemon-reload", "systemctl restart docker"]

    def test_off_restores_the_drop_in_if_the_engine_does_not_start(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        self.add_systemctl(programs, drop_in)
        systemd_tcp_api(host, Switch.ON).apply(progress)
        before = drop_in.read_text()
        self.add_systemctl(programs, drop_in, restart=f"[ -e {drop_in} ]")
        with pytest.raises(OperationFailed):
            systemd_tcp_api(host, Switch.OFF).apply(progress)
        assert drop_in.read_text() == before

    def test_off_changes_hosts_in_daemon_json(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        path = host.path("/etc/docker/daemon.json")
        path.parent.mkdir()
        path.write_text(json.dumps({"hosts": [UNIX, TCP], "debug": True}))
        self.add_systemctl(programs, drop_in)
        systemd_tcp_api(host, Switch.OFF).apply(progress)
        assert json.loads(path.read_text()) == {"hosts": [UNIX], "debug": True}

    def test_off_leaves_what_the_unit_itself_opens(
        self, host: Host, drop_in: Path, programs: Any, progress: Any
    ) -> None:
        self.add_systemctl(programs, drop_in)
        with pytest.raises(OperationFailed, match="another setting or program does"):
            systemd_tcp_api(host, Switch.OFF).apply(progress)
        assert programs.calls == []


class TestSettingsFile:
    def test_a_link_stays_a_link(self, tmp_path: Path) -> None:
        real = tmp_path / "dotfiles/docker.json"
        real.parent.mkdir()
        real.write_text("{}")
        link = tmp_path / "docker.json"
        link.symlink_to(real)
        assert write_settings(link, {"a": "ä"}, NOW) == real.with_name(
            "docker.json.os2-backup-20260111T193045Z"
        )
        assert link.is_symlink()
        assert read_settings(real) == {"a": "ä"}

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OperationFailed, match="cannot write"):
            write_settings(tmp_path / "file/docker.json", {}, NOW)
