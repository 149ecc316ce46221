"""What locks leave on the disk, how long they are waited for, and that they exclude."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from os2cli.core.deadline import within
from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.core.waiting import allowing, listening
from os2cli.host.locks import exclusive
from tests.unit.host.test_locks import PROJECT, holder, line

# Many short holds of few names: every release removes the file that others have open.
COUNTER = """
import sys
from pathlib import Path
from os2cli.host.locks import exclusive
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
for number in range(rounds):
    name = f"name {number % 3}"
    with exclusive(folder / "locks", name, seconds=60):
        counter = folder / name
        value = int(counter.read_text()) if counter.exists() else 0
        counter.write_text(str(value + 1))
"""


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


def test_names_that_were_locked_leave_no_files(locks: Path) -> None:
    for number in range(2000):
        with exclusive(locks, f"machine {number}"):
            assert len(list(locks.iterdir())) == 1

    assert list(locks.iterdir()) == []


def test_removed_files_exclude_as_well(tmp_path: Path) -> None:
    processes, rounds = 6, 150
    started = [
        subprocess.Popen([sys.executable, "-c", COUNTER, tmp_path, str(rounds)], cwd=PROJECT)
        for _ in range(processes)
    ]

    assert [process.wait(timeout=120) for process in started] == [0] * processes
    counts = [int((tmp_path / f"name {number}").read_text()) for number in range(3)]
    assert counts == [processes * rounds // 3] * 3
    assert list((tmp_path / "locks").iterdir()) == []


@pytest.mark.parametrize("limit", ["seconds", "deadline", "timeout"])
def test_a_wait_ends_and_names_the_holder(tmp_path: Path, limit: str) -> None:
    with holder(tmp_path, "machine a") as process, ExitStack() as stack:
        assert line(process) == "held"
        if limit == "deadline":
            stack.enter_context(within(0.3))
        elif limit == "timeout":
            # A --timeout is never shorter than one request.
            stack.enter_context(allowing(0.1))
            stack.enter_context(within(0.3))
        began = time.monotonic()

        with (
            pytest.raises(TimedOut, match="waiting for machine a: process") as caught,
            exclusive(tmp_path, "machine a", seconds=0.3 if limit == "seconds" else None),
        ):
            pytest.fail("two processes hold one lock")

        assert time.monotonic() - began < 5
        assert str(process.pid) in caught.value.message
        assert f"kill {process.pid}" in (caught.value.hint or "")


def test_a_long_wait_is_reported_once_with_its_holder(tmp_path: Path) -> None:
    lines: list[str] = []
    with holder(tmp_path, "image x") as process, listening(lines.append):
        assert line(process) == "held"

        with pytest.raises(TimedOut), exclusive(tmp_path, "image x", seconds=2.6):
            pytest.fail("two processes hold one lock")

    assert len(lines) == 1
    assert "image x" in lines[0]
    assert str(process.pid) in lines[0]


def test_a_short_wait_is_not_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    with holder(tmp_path, "image x") as process, listening(lines.append):
        assert line(process) == "held"

        with pytest.raises(TimedOut), exclusive(tmp_path, "image x", seconds=0.5):
            pytest.fail("two processes hold one lock")

    assert lines == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"pid": "x"}', b'{"pid": -1}', b"\xff"])
def test_a_holder_that_cannot_be_read_is_still_waited_for(locks: Path, content: bytes) -> None:
    with holder(locks, "a") as process:
        assert line(process) == "held"
        (path,) = locks.iterdir()
        path.write_bytes(content)

        with pytest.raises(TimedOut), exclusive(locks, "a", seconds=0.2):
            pytest.fail("two processes hold one lock")


def test_files_of_killed_processes_are_removed_in_time(locks: Path) -> None:
    locks.mkdir()
    for number in range(50):
        (locks / f"{number:016x}.lock").touch()
        os.utime(locks / f"{number:016x}.lock", (0, 0))
    with holder(locks, "held") as process:
        assert line(process) == "held"
        (path,) = (each for each in locks.iterdir() if each.stat().st_size)
        os.utime(path, (0, 0))

        with exclusive(locks, "a"):
            assert path in locks.iterdir()
            assert len(list(locks.iterdir())) == 2


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_their_owner_sees_them(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with exclusive(tmp_path / "new/state/locks", "a"):
            made = list((tmp_path / "new").rglob("*"))
    finally:
        os.umask(before)

    assert {stat.S_IMODE(path.stat().st_mode) for path in made[:-1]} == {0o700}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    with exclusive(tmp_path / "locks", "a"):
        (path,) = (tmp_path / "locks").iterdir()
    path.symlink_to(tmp_path / "victim")

    with (
        pytest.raises(OperationFailed, match="cannot create the lock"),
        exclusive(tmp_path / "locks", "a"),
    ):
        pytest.fail("there is no lock to hold")

    assert not (tmp_path / "victim").exists()
