"""Services under supervisor: ours, and services written for s6."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from os2cli.core.models import LogRequest
from tests.polling import until
from tests.unit.providers.local_process.conftest import Host

STATUS = "s6-svstat -o up,wantedup,ready,exitcode $OS2_SCAN_DIRECTORY/{}"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def status(host: Host, service: str) -> str:
    return host.run("m", "sh", "-c", STATUS.format(service))[1].strip()


def in_services(host: Host, script: str) -> str:
    code, said = host.run("m", "sh", "-c", f"cd $OS2_SCAN_DIRECTORY && {script}")
    assert code == 0, said
    return said


def test_a_dead_service_comes_back(shared: Host) -> None:
    before = until(lambda: max(0, shared.pid("m", "iterate-server")), 20)

    os.kill(before, signal.SIGKILL)

    after = until(lambda: shared.pid("m", "iterate-server") not in (-1, before), 20)
    assert after
    until(lambda: status(shared, "iterate-server") == "true true true -1", 20)


def test_one_that_depends_on_another_waits_for_it(shared: Host) -> None:
    in_services(shared, "s6-svwait -U -t 20000 example-service-b-depends-on-a")

    assert status(shared, "example-service-a") == "true true true -1"


def test_a_service_is_stopped_and_started_by_hand(shared: Host) -> None:
    in_services(shared, "s6-svc -d example-service-a && s6-svwait -d -t 9000 example-service-a")
    assert status(shared, "example-service-a").startswith("false false false")

    in_services(shared, "s6-svc -u example-service-a && s6-svwait -U -t 20000 example-service-a")
    assert status(shared, "example-service-a") == "true true true -1"

    first = shared.pid("m", "example-service-a")
    in_services(shared, "s6-svc -r example-service-a")
    until(lambda: shared.pid("m", "example-service-a") not in (-1, first), 20)


def test_a_directory_that_is_not_a_service_is_rejected(shared: Host) -> None:
    for script in ("s6-svstat nothing", "s6-svc -x iterate-server", "s6-svscanctl -z ."):
        code, said = shared.run("m", "sh", "-c", f"cd $OS2_SCAN_DIRECTORY && {script}")
        assert code in (100, 111)
        assert said
    code, _ = shared.run(
        "m", "sh", "-c", "cd $OS2_SCAN_DIRECTORY && s6-svwait -d -t 200 iterate-server"
    )
    assert code == 99


def test_a_new_service_is_taken_in(shared: Host) -> None:
    write(
        shared.folder() / "services" / "late",
        {
            "run": "#!/bin/sh\necho 'late runs'\nexec sleep 1000\n",
            "log/run": "#!/bin/sh\nexec s6-log T /var/log/late\n",
        },
    )

    in_services(shared, "s6-svscanctl -a . && s6-svwait -u -t 9000 late")

    request = LogRequest(service="late")
    until((shared.folder() / "log" / "late" / "current").exists, 10)
    assert [line.split("  ")[1] for line in shared.provider.logs("m", request)] == ["late runs"]


def test_a_repository_s_services_run_unmodified(host: Host, tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    write(
        repository / "s6" / "whole",
        {
            "run": "#!/bin/sh\necho 'whole runs'\n"
            "exec sh -c 'sleep 0.2; echo >&3; touch up; exec sleep 1000'\n",
            "finish": f'#!/bin/sh\necho "$1 $2 $3" > {tmp_path}/finished\n',
            "log/run": "#!/bin/sh\nexec s6-log -b n20 s1000000 T /var/log/whole\n",
            "notification-fd": "3\n",
            "metadata.json": '{"logDirectory": "/var/log/whole"}',
        },
    )
    write(
        repository / "s6" / "places",
        {"run": "#!/bin/sh\nls /opt/os2/entry.ts /run/os2/services\nexec sleep 1000\n"},
    )
    write(repository / "s6" / "down", {"run": "#!/bin/sh\nexec sleep 1000\n", "down": ""})
    write(repository / "s6" / "broken", {"run": "#!/bin/sh\necho broken\nexit 3\n"})
    host.up("m", mount_repo=repository)

    in_services(host, "s6-svwait -U -t 20000 whole")
    assert status(host, "whole") == "true true true -1"
    assert status(host, "down").startswith("false false")
    request = LogRequest(service="whole")
    until(lambda: "whole runs" in "".join(host.provider.logs("m", request)), 10)
    lines = until(lambda: [ln for ln in host.provider.logs("m", LogRequest()) if "entry.ts" in ln])
    assert lines[0].endswith("sandbox/entry.ts")

    os.kill(host.pid("m", "whole"), signal.SIGKILL)
    finished = tmp_path / "finished"
    until(lambda: finished.exists() and finished.read_text() == "256 9 whole\n", 10)
    in_services(host, "s6-svwait -U -t 20000 whole")
    # At most once a second.
    assert list(host.provider.logs("m", LogRequest())).count("broken") < 30


def test_a_finish_may_keep_a_service_down(host: Host, tmp_path: Path) -> None:
    write(
        tmp_path / "repo" / "s6" / "once",
        {
            "run": f"#!/bin/sh\necho run >> {tmp_path}/runs\n",
            "finish": "#!/bin/sh\nexit 125\n",
        },
    )
    host.create("m", mount_repo=tmp_path / "repo")

    until((tmp_path / "runs").exists, 20)
    until(lambda: status(host, "once").startswith("false false"), 20)
    assert (tmp_path / "runs").read_text() == "run\n"


@pytest.mark.parametrize("service", [None, "iterate-server"])
def test_logs_are_read_while_the_machine_is_stopped(host: Host, service: str | None) -> None:
    host.up("m")
    host.provider.stop("m")

    lines = list(host.provider.logs("m", LogRequest(service=service, follow=True)))

    wanted = "iterate-server: listening" if service else "entry: services: "
    assert any(wanted in line for line in lines)
