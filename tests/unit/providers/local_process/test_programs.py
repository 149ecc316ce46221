"""The programs that stand in for s6, and the terminal of a shell."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from pathlib import Path

import pytest

from os2cli.host.tty import Terminal
from os2cli.providers.local_process.environment import tool
from os2cli.providers.local_process.s6.folders import ServiceFolder
from os2cli.providers.local_process.s6.log import MAX_LINE_BYTES, parse
from os2cli.providers.local_process.s6.readiness import parse as parse_check
from os2cli.providers.local_process.s6.scan import configuration_text
from os2cli.providers.service_log import time_of
from tests.unit.providers.local_process.conftest import Host

CHECK = ["-d", "-s", "100", "-w", "200", "-n", "0", "-T", "30000", "-c", "curl -f 'http://a b'"]


class TestLog:
    def test_it_starts_new_files_and_drops_the_oldest(self, tmp_path: Path) -> None:
        lines = "".join(f"line {number}\n" for number in range(100))

        done = subprocess.run(
            [*tool("s6-log"), "-b", "n3", "s200", "T", str(tmp_path / "log")],
            input=lines, text=True, timeout=20,
        )  # fmt: skip

        assert done.returncode == 0
        old = sorted((tmp_path / "log").glob("@*"))
        assert len(old) == 3
        files = (*old, tmp_path / "log" / "current")
        kept = [line for file in files for line in file.read_text().splitlines()]
        assert [line.split("  ")[1] for line in kept] == lines.splitlines()[-len(kept) :]
        assert all(time_of(ln) for ln in kept)

    def test_the_last_line_may_lack_its_end(self, tmp_path: Path) -> None:
        subprocess.run([*tool("s6-log"), str(tmp_path)], input=b"a\nb", timeout=20)

        assert (tmp_path / "current").read_text() == "a\nb\n"

    def test_a_line_without_an_end_is_written_in_parts(self, tmp_path: Path) -> None:
        text = b"x" * (2 * MAX_LINE_BYTES + 1)

        subprocess.run([*tool("s6-log"), "s4194304", str(tmp_path)], input=text, timeout=20)

        parts = (tmp_path / "current").read_bytes().splitlines()
        assert b"".join(parts) == text
        assert max(map(len, parts)) < 2 * MAX_LINE_BYTES

    def test_asked_to_end_it_writes_what_has_come(self, tmp_path: Path) -> None:
        with subprocess.Popen(
            [*tool("s6-log"), "1", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as logger:
            assert logger.stdin is not None
            assert logger.stdout is not None
            logger.stdin.write(b"first\n")
            logger.stdin.flush()
            assert logger.stdout.readline() == b"first\n"
            logger.stdin.write(b"second\n")
            logger.stdin.flush()
            logger.terminate()
            assert logger.wait(20) == 0
            assert (tmp_path / "current").read_text() == "first\nsecond\n"

    def test_the_image_s_folder_of_logs_is_the_machine_s(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OS2_LOG_DIRECTORY", str(tmp_path))

        ((folder,), printed) = parse(["n20", "s1000000", "T", "/var/log/web"])

        assert folder.path == tmp_path / "web"
        assert (folder.files, folder.size, folder.times, printed) == (20, 1000000, "T", False)


def test_the_options_of_a_check_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notification-fd").write_text("5\n")

    check, program = parse_check([*CHECK, "node", "-x", "server.ts"])

    assert check.argv == ["curl", "-f", "http://a b"]
    assert (check.descriptor, check.first, check.pause) == (5, 0.1, 0.2)
    assert (check.whole, check.tries) == (30, 0)
    assert program == ["node", "-x", "server.ts"]


def test_supervisor_s_configuration_takes_awkward_places(tmp_path: Path) -> None:
    from supervisor.options import ServerOptions

    folder = tmp_path / 'a "b" 50% c'
    service = folder / "services" / "web.1"
    (service / "log").mkdir(parents=True)
    for run in (service / "run", service / "log" / "run"):
        run.write_text("#!/bin/sh\n")
    (service / "timeout-kill").write_text("2500\n")
    (service / "down-signal").write_text("SIGINT\n")
    file = folder / "supervisord.conf"
    file.write_text(configuration_text(folder, str(folder / "s"), [ServiceFolder(service)]))
    options = ServerOptions()
    options.realize(["-c", str(file)])

    (loggers, services) = options.process_group_configs
    (web,) = services.process_configs
    assert [each.name for each in loggers.process_configs] == ["web.1@log"]
    assert str(service) in web.command.replace("\\", "")
    assert (web.stopwaitsecs, web.stopsignal, web.stopasgroup) == (3, 2, True)


def test_a_shell_is_on_the_terminal_that_was_lent(shared: Host) -> None:
    ours, lent = pty.openpty()
    shown: list[bytes] = []

    def look() -> None:
        while True:
            try:
                shown.append(os.read(ours, 4096))
            except OSError:
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    os.write(ours, b"echo in $OS2_MACHINE_NAME on $TERM; command -v s6-svstat; exit 7\n")
    code = shared.provider.shell("m", Terminal(lent, lent, "xterm-256color"))
    os.close(lent)
    watcher.join(10)
    os.close(ours)

    text = b"".join(shown).decode()
    assert code == 7
    assert "This shell runs on this host as you" in text
    assert "in m on xterm-256color" in text
    assert str(shared.folder() / "bin" / "s6-svstat") in text
