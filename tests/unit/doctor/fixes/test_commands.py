"""Fixes run programs with little of the environment, and report how they fail."""

from __future__ import annotations

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


def test_a_deadline_is_reported_with_the_last_lines(commands: Commands, programs: Any) -> None:
    programs.add("hang", "echo started; exec sleep 60")
    with pytest.raises(TimedOut, match=r"timed out after 0\.3 s waiting for hang") as caught:
        commands.run(["hang"], timeout=0.3)
    assert caught.value.log_tail == ("started",)


def test_a_failure_carries_the_last_lines(commands: Commands, programs: Any) -> None:
    programs.add("fail", "echo reason; exit 1")
    with pytest.raises(OperationFailed, match="fail failed with exit code 1") as caught:
        commands.check(["fail"], timeout=10)
    assert caught.value.log_tail == ("reason",)


def test_a_missing_program_is_reported(commands: Commands) -> None:
    with pytest.raises(OperationFailed, match="program nothing not found"):
        commands.run(["nothing"], timeout=1)
