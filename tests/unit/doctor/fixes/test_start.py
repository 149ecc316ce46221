"""Starting Docker Engine, with systemd and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from os2cli.core.errors import Conflict, OperationFailed, TimedOut
from os2cli.doctor.engine_facts import ask_engine
from os2cli.doctor.fixes.cgroups import ensure_cgroups
from os2cli.doctor.fixes.dockerd import LOG, start_dockerd
from os2cli.doctor.fixes.start import start_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from os2cli.doctor.fixes import Host

IPTABLES = "failed to create NAT chain DOCKER: iptables failed: iptables v1.8.9 (nf_tables)"


class TestSystemd:
    @pytest.fixture(autouse=True)
    def _booted(self, host: Host) -> None:
        host.path("/run/systemd/system").mkdir(parents=True)

    def test_it_enables_and_starts(self, host: Host, programs: Any, progress: Any) -> None:
        programs.add("systemctl")
        fix = start_engine(host)
        assert fix.actions == ("systemctl enable --now docker",)
        fix.apply(progress)
        assert programs.calls == ["systemctl enable --now docker"]

    def test_a_failure_carries_the_journal(self, host: Host, programs: Any, progress: Any) -> None:
        programs.add("systemctl", "echo 'Job for docker.service failed.'; exit 1")
        programs.add("journalctl", "echo 'no space left'")
        with pytest.raises(OperationFailed) as caught:
            start_engine(host).apply(progress)
        assert caught.value.log_tail == ("Job for docker.service failed.", "no space left")


class TestWithoutInit:
    def test_it_starts_detached_and_waits(
        self, host: Host, programs: Any, progress: Any, add_dockerd: Callable[..., None]
    ) -> None:
        add_dockerd("print('hello', os.getsid(0) == os.getpid(), flush=True)")
        start_engine(host).apply(progress)
        assert ask_engine(host.socket).version == "26.1.5"
        assert programs.calls == [f"dockerd -H {host.socket.url}"]
        log = host.path(LOG)
        assert log.read_text() == "hello True\n"
        assert log.stat().st_mode & 0o777 == 0o640
        start_engine(host).apply(progress)
        assert len(programs.calls) == 1

    def test_hosts_in_daemon_json_decide(
        self, host: Host, programs: Any, progress: Any, add_dockerd: Callable[..., None]
    ) -> None:
        path = host.path("/etc/docker/daemon.json")
        path.parent.mkdir()
        path.write_text(f'{{"hosts": ["{host.socket.url}"]}}')
        add_dockerd(f"sys.argv.append({host.socket.url!r})")
        start_engine(host).apply(progress)
        assert programs.calls == ["dockerd"]

    def test_a_daemon_that_dies_shows_its_log(
        self, host: Host, progress: Any, add_dockerd: Callable[..., None]
    ) -> None:
        host.path(LOG).write_text("from another day\n")
        add_dockerd("sys.exit('failed to start daemon: no space left\\n (exit status 3)')")
        with pytest.raises(OperationFailed) as caught:
            start_engine(host).apply(progress)
        assert caught.value.code == "engine_start_failed"
        assert caught.value.message.endswith("failed to start daemon: no space left")
        assert caught.value.log_tail == (
            "failed to start daemon: no space left",
            " (exit status 3)",
        )

    def test_a_daemon_that_never_answers(
        self, host: Host, progress: Any, add_dockerd: Callable[..., None]
    ) -> None:
        add_dockerd("import time; time.sleep(60)")
        with pytest.raises(TimedOut, match=r"timed out after 0\.3 s waiting for dockerd"):
            start_dockerd(host, progress, deadline=0.3)

    @pytest.mark.parametrize("text", ["4711", "816", "817", "nonsense"])
    def test_a_stale_pid_file_goes(
        self,
        host: Host,
        progress: Any,
        add_dockerd: Callable[..., None],
        text: str,
    ) -> None:
        """4711 is dead, 816 is not a dockerd, and 817 is a zombie."""
        self._process(host, 816, "python3")
        self._process(host, 817, "dockerd", "Z (zombie)")
        pid_file = host.path("/var/run/docker.pid")
        pid_file.write_text(text)
        add_dockerd()
        start_engine(host).apply(progress)
        assert not pid_file.exists()

    def test_a_running_dockerd_is_not_disturbed(
        self, host: Host, programs: Any, progress: Any, add_dockerd: Callable[..., None]
    ) -> None:
        self._process(host, 815, "dockerd")
        host.path("/var/run/docker.pid").write_text("815")
        add_dockerd()
        with pytest.raises(Conflict, match=r"dockerd already runs \(process 815\)"):
            start_engine(host).apply(progress)
        assert programs.calls == []
        assert host.path("/var/run/docker.pid").exists()

    def _process(self, host: Host, pid: int, program: str, state: str = "S (sleeping)") -> None:
        """Write a process as proc_pid_status(5) shows it."""
        folder = host.path(f"/proc/{pid}")
        folder.mkdir()
        (folder / "status").write_text(f"Name:\t{program}\nUmask:\t0022\nState:\t{state}\n")


class TestIptables:
    @pytest.fixture
    def backend(self, host: Host, programs: Any) -> Path:
        """Create Debian's alternatives, with iptables set to nft."""
        for name in ("iptables-nft", "iptables-legacy"):
            host.path(f"/usr/sbin/{name}").touch()
        link = host.path("/etc/alternatives/iptables")
        link.parent.mkdir()
        link.symlink_to("/usr/sbin/iptables-nft")
        programs.add("update-alternatives", f'ln -sf "$3" {link}')
        return link

    def test_the_other_backend_is_tried(
        self,
        host: Host,
        backend: Path,
        programs: Any,
        progress: Any,
        add_dockerd: Callable[..., None],
    ) -> None:
        add_dockerd(
            f"if os.readlink({str(backend)!r}).endswith('-nft'): sys.exit({IPTABLES!r})",
        )
        start_engine(host).apply(progress)
        assert progress.notices == ["iptables fails, trying iptables-legacy"]
        assert "update-alternatives --set iptables /usr/sbin/iptables-legacy" in programs.calls
        assert ask_engine(host.socket).version == "26.1.5"

    def test_what_did_not_help_is_put_back(
        self, host: Host, backend: Path, progress: Any, add_dockerd: Callable[..., None]
    ) -> None:
        add_dockerd(f"sys.exit({IPTABLES!r})")
        with pytest.raises(OperationFailed, match="iptables failed"):
            start_engine(host).apply(progress)
        assert str(backend.readlink()) == "/usr/sbin/iptables-nft"


class TestCgroups:
    @pytest.fixture
    def bare(self, host: Host) -> Host:
        host.path("/sys/fs/cgroup/cgroup.controllers").unlink()
        rows = ["#subsys_name hierarchy num_cgroups enabled", "memory 0 1 1", "devices 0 1 1"]
        host.path("/proc/cgroups").write_text("\n".join([*rows, "net_prio 0 1 0"]))
        return host

    def test_version_2_is_mounted(self, bare: Host, programs: Any, progress: Any) -> None:
        programs.add("mount")
        ensure_cgroups(bare, progress)
        assert programs.calls == [f"mount -t cgroup2 cgroup2 {bare.root}/sys/fs/cgroup"]

    def test_version_1_is_the_second_choice(self, bare: Host, programs: Any, progress: Any) -> None:
        programs.add("mount", '[ "$2" != cgroup2 ]')
        ensure_cgroups(bare, progress)
        folder = f"{bare.root}/sys/fs/cgroup"
        assert programs.calls[1:] == [
            f"mount -t tmpfs cgroup {folder}",
            f"mount -t cgroup -o memory cgroup {folder}/memory",
            f"mount -t cgroup -o devices cgroup {folder}/devices",
        ]

    def test_version_1_it_is_where_the_controllers_are_bound_to_it(
        self, bare: Host, programs: Any, progress: Any
    ) -> None:
        table = bare.path("/proc/cgroups")
        table.write_text(table.read_text().replace("memory 0", "memory 4"))
        programs.add("mount")
        ensure_cgroups(bare, progress)
        assert [call.split()[2] for call in programs.calls] == ["tmpfs", "cgroup", "cgroup"]

    def test_the_reason_is_reported_when_nothing_can_be_mounted(
        self, bare: Host, programs: Any, progress: Any
    ) -> None:
        programs.add("mount", "echo 'mount: permission denied.'; exit 32")
        with pytest.raises(OperationFailed, match="cannot mount cgroups") as caught:
            ensure_cgroups(bare, progress)
        assert caught.value.hint == "if this is a container, start it with --privileged"
        assert caught.value.log_tail[0] == "mount: permission denied."
