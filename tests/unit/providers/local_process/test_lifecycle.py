"""How machines of this host start and end, also after failures."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from os2cli.core.errors import Conflict, NotFound, OperationFailed
from os2cli.core.models import Health, MachineState
from os2cli.host.interrupts import Interrupted
from os2cli.host.ports import loopback_addresses
from os2cli.machines.health import wait_until_healthy
from os2cli.providers.local_process import lifecycle
from os2cli.providers.local_process.processes import identify
from os2cli.providers.local_process.records import Phase, Records
from os2cli.providers.local_process.s6.folders import MARK_VARIABLE
from tests.polling import until
from tests.processes import command_lines, is_alive
from tests.unit.providers.local_process.conftest import HEALTHY_SECONDS, Host

ESCAPED = "trap '' TERM HUP; while :; do sleep 1; done"


def test_stop_leaves_no_process_and_takes_no_five_seconds(host: Host) -> None:
    host.up("m")
    record = host.record()
    # A process that left its session and ignores SIGTERM.
    code, _ = host.run("m", "sh", "-c", f'setsid sh -c "{ESCAPED}" >/dev/null 2>&1 &')
    assert code == 0
    until(lambda: ["sh", "-c", ESCAPED] in command_lines(host.processes(record)))
    before = time.monotonic()

    stopped = host.provider.stop("m")

    assert time.monotonic() - before < 5
    assert stopped.state is MachineState.STOPPED
    assert host.processes(record) == []
    assert host.provider.probe(stopped) is Health.NONE


def test_a_stubborn_service_is_killed(host: Host, tmp_path: Path) -> None:
    service = tmp_path / "repo" / "s6" / "stubborn"
    service.mkdir(parents=True)
    (service / "run").write_text(f"#!/bin/sh\ntouch /{tmp_path}/runs\n{ESCAPED}\n")
    (service / "run").chmod(0o755)
    host.create("m", mount_repo=tmp_path / "repo")
    record = host.record()
    until((tmp_path / "runs").exists, 20)
    before = time.monotonic()

    assert host.provider.remove("m")

    assert time.monotonic() - before < 5
    assert host.processes(record) == []
    assert not host.folder().exists()


def test_a_killed_supervisor_is_a_failed_machine_that_can_be_started(host: Host) -> None:
    first = host.up("m")
    record = host.record()
    assert record.first is not None
    orphan = host.pid("m", "iterate-server")

    os.kill(record.first.pid, signal.SIGKILL)
    until(lambda: host.provider.get("m").state is MachineState.FAILED, 5)
    assert host.provider.get("m").reason
    again = wait_until_healthy(host.provider, host.provider.start("m"), HEALTHY_SECONDS)

    assert again.port == first.port
    assert not is_alive(orphan)


def test_what_a_killed_supervisor_left_is_removed(host: Host) -> None:
    host.up("m")
    record = host.record()
    assert record.first is not None
    os.kill(record.first.pid, signal.SIGKILL)

    assert host.provider.remove("m")

    assert host.processes(record) == []
    assert not host.folder().exists()


def test_a_stranger_with_the_number_of_a_process_is_left_alone(host: Host) -> None:
    host.create("m")
    host.provider.stop("m")
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        reused = identify(stranger.pid)
        records = [
            # As after a reboot of the host, and as if it had started at that moment.
            replace(host.record(), phase=Phase.STARTED, first=replace(reused, began=1.0)),
            replace(host.record(), phase=Phase.STARTED, first=reused, logger=reused),
        ]
        for record in records:
            host.provider.records.save(record)
            assert host.provider.get("m").state is MachineState.FAILED
            assert host.provider.stop("m").state is MachineState.STOPPED

        assert stranger.poll() is None
        assert host.provider.remove("m")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_what_a_killed_create_left_is_cleared(host: Host) -> None:
    host.create("m")
    left = replace(host.record(), phase=Phase.CREATING, first=None, logger=None)
    host.provider.records.save(left)
    assert host.provider.get("m").state is MachineState.CREATING

    again = host.create("m")

    assert again.id != left.id
    assert host.processes(left) == []


def test_an_interrupted_create_leaves_nothing(
    host: Host, strike: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = host.provider.records.__class__.save

    def struck(records, record):  # type: ignore[no-untyped-def]
        saved = save(records, record)
        if record.phase is Phase.STARTED:
            strike()
        return saved

    monkeypatch.setattr(host.provider.records.__class__, "save", struck)
    name = "m" * 60  # so that its socket is elsewhere
    with tempfile.TemporaryDirectory(dir="/tmp") as elsewhere:
        monkeypatch.setattr(tempfile, "tempdir", elsewhere)
        with pytest.raises(Interrupted):
            host.create(name)
        assert list(Path(elsewhere).iterdir()) == []

    assert host.provider.list() == []
    assert list(host.root.iterdir()) == []
    marks = [p for p in psutil.process_iter() if _holds(p, MARK_VARIABLE, str(host.root))]
    assert marks == []


def _holds(process: psutil.Process, variable: str, root: str) -> bool:
    try:
        env = process.environ()
    except psutil.Error:
        return False
    return variable in env and env.get("HOME", "").startswith(root)


def test_a_step_that_fails_is_reported(host: Host) -> None:
    machine = host.create("m", env={"ITERATE_SERVICES_DIR": "nowhere"})

    with pytest.raises(OperationFailed) as caught:
        wait_until_healthy(host.provider, machine, HEALTHY_SECONDS)

    assert "entry: step services failed: ITERATE_SERVICES_DIR doesn't exist" in str(caught.value)
    assert host.provider.get("m").state is MachineState.FAILED


def test_two_machines_at_once_have_nothing_in_common(host: Host) -> None:
    first, second = host.up("a"), host.up("b.with.dots")

    assert not host.record("a").all_ports() & host.record("b.with.dots").all_ports()
    assert first.url != second.url
    host.provider.remove("a")
    assert host.provider.probe(host.provider.get("b.with.dots")) is Health.HEALTHY


def test_a_deep_folder_has_its_socket_elsewhere(tmp_path: Path) -> None:
    from tests.unit.providers.local_process.conftest import host_in

    host = host_in(tmp_path / ("deep" * 20))
    try:
        host.up("m")
        place = Path(host.record().socket)
        assert host.pid("m", "iterate-server") > 0
        assert place.is_relative_to(tempfile.gettempdir())
        assert place.parent.stat().st_mode & 0o777 == 0o700
    finally:
        host.clear()
    assert not place.parent.exists()


@pytest.mark.parametrize("address", loopback_addresses())
def test_a_port_that_another_program_took_is_a_conflict(host: Host, address: str) -> None:
    machine = host.create("m")
    host.provider.stop("m")
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((address, machine.port or 0))
        other.listen()
        with pytest.raises(Conflict) as caught:
            host.provider.start("m")

    assert caught.value.code == "port_taken"
    assert host.provider.start("m").state is MachineState.RUNNING


@pytest.mark.parametrize("address", loopback_addresses())
def test_no_other_user_can_listen_on_an_address_that_its_name_leads_to(
    host: Host, address: str
) -> None:
    port = host.up("m").port or 0

    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind((address, port))
    with socket.create_connection((address, port), 5) as connection:
        connection.sendall(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in connection.recv(100)


def test_one_that_an_earlier_os2_started_has_no_name(host: Host) -> None:
    """It listens on one address only."""
    host.create("m")
    path = host.folder() / "machine.json"
    record = json.loads(path.read_text())
    del record["addresses"]
    path.write_text(json.dumps(record))

    others = set(loopback_addresses()) - {"127.0.0.1"}
    name = "127.0.0.1" if others else "localhost"
    assert host.provider.get("m").url == f"http://{name}:{record['port']}"


def test_a_folder_without_a_sandbox_is_not_found(host: Host, tmp_path: Path) -> None:
    from os2cli.core.models import MachineSpec

    with pytest.raises(NotFound):
        host.provider.create(MachineSpec("m", "dev", str(tmp_path)))

    assert host.provider.list() == []


def test_stopping_takes_what_it_is_given(host: Host) -> None:
    host.create("m")

    assert host.provider.stop("m", 0.1).state is MachineState.STOPPED
    assert lifecycle.STOP_SECONDS < 5


def test_the_command_that_removes_what_is_left_takes_any_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "it's; a $(place)"
    records = Records(tmp_path)
    monkeypatch.setattr(Records, "forget", lambda *_: left)

    with pytest.raises(OperationFailed) as caught:
        lifecycle.remove_damaged(records, "m")

    command = str(caught.value.hint).partition(": ")[2]
    assert shlex.split(command) == ["rm", "-r", str(left)]
