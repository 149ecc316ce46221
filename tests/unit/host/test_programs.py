"""Programs of the host end by themselves or by their deadline, and their last words are kept."""

from __future__ import annotations

import pytest

from os2cli.core.errors import TimedOut
from os2cli.providers.local_docker.base_image.programs import ProgramFailed, run


def ignore(line: str) -> None:
    del line


def test_both_outputs_are_heard_line_by_line() -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo $LC_ALL; echo two >&2"], deadline_s=10, on_line=lines.append)
    assert lines == ["C", "two"]


def test_a_failure_tells_its_end() -> None:
    with pytest.raises(ProgramFailed, match="sh ended with status 3") as failure:
        run(["sh", "-c", "echo why; exit 3"], deadline_s=10, on_line=ignore)
    assert failure.value.tail == ("why",)


def test_a_program_that_hangs_is_killed() -> None:
    with pytest.raises(TimedOut, match="still running after 0 s: begun"):
        run(["sh", "-c", "echo begun; exec sleep 60"], deadline_s=0.2, on_line=ignore)


def test_a_listener_that_gives_up_ends_the_program() -> None:
    def interrupted(line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "echo begun; exec sleep 60"], deadline_s=60, on_line=interrupted)
