"""Programs are run with a deadline, line by line, and none is left behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.doctor.fixes.commands import Commands


@pytest.fixture
def commands(programs: Any) -> Commands:
    variables = {"PATH": str(programs.folder), "HOME": "/h", "https_proxy": "p", "API_KEY": "x"}
    return Commands(variables)


def test_lines_come_one_by_one_and_the_tail_is_kept(commands: Commands, programs: Any) -> None:
    programs.add("talk", "echo one; echo two >&2; exit 3")
    heard: list[str] = []
    result = commands.run(["talk", "a b"], timeout=10, on_line=heard.append)
    assert (result.returncode, result.tail) == (3, ("one", "two"))
    assert heard == ["one", "two"]
    assert programs.calls == ["talk a b"]


def test_only_a_little_of_the_environment_is_passed_on(commands: Commands, programs: Any) -> None:
    programs.add("show", 'echo "$HOME $https_proxy ${API_KEY-none} $LC_ALL $MORE"')
    result = commands.run(["show"], timeout=10, extra={"MORE": "more"})
    assert result.tail == ("/h p none C more",)


def test_a_deadline_stops_the_program_and_its_children(
    commands: Commands, programs: Any, tmp_path: Path
) -> None:
    programs.add("hang", f"echo started; sleep 60 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(TimedOut, match=r"hang did not end within 0\.3 s") as caught:
        commands.run(["hang"], timeout=0.3)
    assert caught.value.log_tail == ("started",)
    child = int((tmp_path / "child").read_text())
    status = Path(f"/proc/{child}/stat")  # gone, or dead and not yet collected by init
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_an_interrupt_stops_the_program(commands: Commands, programs: Any, tmp_path: Path) -> None:
    programs.add("hang", f"echo $$ > {tmp_path}/pid; echo started; sleep 60")

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commands.run(["hang"], timeout=30, on_line=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_failure_carries_the_last_lines(commands: Commands, programs: Any) -> None:
    programs.add("fail", "echo reason; exit 1")
    with pytest.raises(OperationFailed, match="fail failed with status 1") as caught:
        commands.check(["fail"], timeout=10)
    assert caught.value.log_tail == ("reason",)


def test_a_missing_program_is_told(commands: Commands) -> None:
    with pytest.raises(OperationFailed, match="the program nothing was not found"):
        commands.run(["nothing"], timeout=1)
