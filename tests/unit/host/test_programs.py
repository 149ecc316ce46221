"""Programs run with a deadline, are read line by line, and leave no process behind."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from os2cli.host.programs import TAIL_LINES, ProgramTimeout, run_program


def test_lines_of_both_outputs_come_one_by_one() -> None:
    lines: list[str] = []
    result = run_program(
        ["sh", "-c", "echo one; echo two >&2; exit 3"], timeout=10, on_line=lines.append
    )
    assert (result.returncode, result.tail) == (3, ("one", "two"))
    assert lines == ["one", "two"]


def test_the_last_lines_are_kept() -> None:
    result = run_program(["seq", "100"], timeout=10)
    assert result.tail == tuple(str(n) for n in range(101 - TAIL_LINES, 101))


def test_the_environment_is_inherited_or_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS2_PROBE", "inherited")
    show = ["/bin/sh", "-c", "echo ${OS2_PROBE-none}"]
    assert run_program(show, timeout=10).tail == ("inherited",)
    assert run_program(show, timeout=10, env={}).tail == ("none",)


def test_a_deadline_stops_the_program_and_its_children(tmp_path: Path) -> None:
    fifo = tmp_path / "held"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3>{fifo}; echo held >&3; echo started; sleep 60 & wait"
    with pytest.raises(ProgramTimeout) as caught:
        run_program(["sh", "-c", script], timeout=0.3)
    assert caught.value.tail == ("started",)
    assert os.read(reader, 100) == b"held\n"
    # The FIFO ends when nothing holds it any more, the child included.
    select.select([reader], [], [], 10)
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_an_interrupt_stops_the_program(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt(line)

    script = f"echo $$ > {tmp_path}/pid; echo started; exec sleep 60"
    with pytest.raises(KeyboardInterrupt):
        run_program(["sh", "-c", script], timeout=30, on_line=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_missing_program_cannot_be_started() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["os2-no-program"], timeout=1)
