"""Without systemd, dockerd restarts with the TCP API or without it."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.core.errors import Conflict, NotAuthorised, NotFound, OperationFailed, Os2Error
from os2cli.doctor.engine_facts import SharedEngine, ask_engine
from os2cli.doctor.fixes import Switch, plan_tcp_api
from os2cli.doctor.fixes.dockerd_tcp_api import dockerd_tcp_api
from os2cli.doctor.fixes.start import start_engine
from os2cli.doctor.fixes.switch import RISK
from os2cli.providers.local_docker.engine.address import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from os2cli.doctor.fixes import Host

# What the real one does: its name, its pid file, and its end.
DOCKERD = """
import signal
open("/proc/self/comm", "w").write("dockerd")
open({pid_file!r}, "w").write(str(os.getpid()))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if "refused" in open({rules!r}).read() and any("tcp://" in word for word in sys.argv):
    sys.exit("failed to start daemon: no such port")
"""


@pytest.fixture
def rules(folder: Path) -> Path:
    path = folder / "rules"
    path.write_text("")
    return path


@pytest.fixture
def host(host: Host, add_dockerd: Callable[..., None], rules: Path) -> Host:
    """Return a host with a dockerd that listens where its options say, and the real processes."""
    host.path("/proc").rmdir()
    host.path("/proc").symlink_to("/proc")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    pid_file = str(host.path("/var/run/docker.pid"))
    add_dockerd(DOCKERD.format(pid_file=pid_file, rules=str(rules)))
    return replace(host, tcp_url=url)


def answers(url: str) -> bool:
    try:
        ask_engine(Endpoint(url, "the test"))
    except Os2Error:
        return False
    return True


def change(host: Host, switch: Switch, progress: Any) -> None:
    for fix in plan_tcp_api(host, SharedEngine(host.socket), switch):
        fix.apply(progress)


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="processes as Linux shows them")
class TestRestart:
    def test_on_and_off(self, host: Host, programs: Any, progress: Any) -> None:
        start_engine(host).apply(progress)
        assert not answers(host.tcp_url)

        change(host, Switch.ON, progress)
        assert answers(host.tcp_url)
        assert ask_engine(host.socket).version == "26.1.5"
        change(host, Switch.ON, progress)

        change(host, Switch.OFF, progress)
        assert not answers(host.tcp_url)
        assert ask_engine(host.socket).version == "26.1.5"
        change(host, Switch.OFF, progress)

        plain = f"dockerd -H {host.socket.url}"
        # Of this one, the script is among the words of the process.
        script = f"{programs.folder}/dockerd.py "
        calls = [call.replace(script, "") for call in programs.calls]
        assert calls == [plain, f"{plain} -H {host.tcp_url}", plain]

    def test_on_starts_an_engine_that_does_not_run(
        self, host: Host, programs: Any, progress: Any
    ) -> None:
        change(host, Switch.ON, progress)
        assert answers(host.tcp_url)
        assert len(programs.calls) == 2

    def test_one_that_does_not_start_with_it_starts_as_before(
        self, host: Host, rules: Path, progress: Any
    ) -> None:
        start_engine(host).apply(progress)
        rules.write_text("refused")
        with pytest.raises(OperationFailed, match="failed to start daemon: no such port"):
            change(host, Switch.ON, progress)
        assert answers(host.socket.url)
        assert not answers(host.tcp_url)

    def test_hosts_in_daemon_json_decide(self, host: Host, progress: Any) -> None:
        path = host.path("/etc/docker/daemon.json")
        path.parent.mkdir()
        start_engine(host).apply(progress)
        path.write_text(json.dumps({"debug": True, "hosts": [host.socket.url]}))
        dockerd_tcp_api(host, Switch.ON).apply(progress)
        hosts = [host.socket.url, host.tcp_url]
        assert json.loads(path.read_text()) == {"debug": True, "hosts": hosts}
        dockerd_tcp_api(host, Switch.OFF).apply(progress)
        assert json.loads(path.read_text()) == {"debug": True, "hosts": hosts[:1]}

    def test_what_does_not_run_is_not_restarted(self, host: Host, progress: Any) -> None:
        host.path("/var/run/docker.pid").write_text("4194304")
        with pytest.raises(NotFound, match="no dockerd to restart"):
            dockerd_tcp_api(host, Switch.ON).apply(progress)

    def test_the_first_process_of_a_container_is_not_ended(self, host: Host, progress: Any) -> None:
        host.path("/var/run/docker.pid").write_text("1")
        with pytest.raises(Conflict, match="first process"):
            dockerd_tcp_api(host, Switch.ON).apply(progress)


class TestPlan:
    def test_the_risk_comes_first(self, host: Host) -> None:
        on, off = (dockerd_tcp_api(host, switch) for switch in Switch)
        assert (on.risk, off.risk) == (RISK, "")

    def test_it_needs_root(self, host: Host, engine: Any) -> None:
        mine = replace(host, is_root=False)
        with pytest.raises(NotAuthorised, match="--fix tcp-api requires root"):
            plan_tcp_api(mine, SharedEngine(engine.endpoint), Switch.ON)

    @pytest.mark.parametrize(
        ("platform", "system", "fix"),
        [
            ("darwin", "OrbStack", "tcp-api"),
            ("win32", "Docker Desktop", "tcp-api"),
            ("darwin", "Docker Desktop", None),
            ("linux", "Docker Desktop", None),
            ("linux", "Colima", None),
        ],
    )
    def test_products(
        self, host: Host, engine: Any, platform: str, system: str, fix: str | None
    ) -> None:
        engine.answers["info"]["OperatingSystem"] = system
        there = replace(host, platform=platform)
        if fix is None:
            with pytest.raises(OperationFailed, match="does not know how"):
                plan_tcp_api(there, SharedEngine(engine.endpoint), Switch.ON)
        else:
            plan = plan_tcp_api(there, SharedEngine(engine.endpoint), Switch.ON)
            assert [each.id for each in plan] == [fix]

    def test_systemd_restarts_its_own(self, host: Host, engine: Any) -> None:
        host.path("/run/systemd/system").mkdir(parents=True)
        (plan,) = plan_tcp_api(host, SharedEngine(engine.endpoint), Switch.ON)
        assert "systemctl restart docker" in plan.actions[1]
