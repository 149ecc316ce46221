"""Files for their owner only; what killed writers left goes with the next write."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from os2cli.analytics import state_files
from os2cli.host.private_files import create_file, replace_file, unwritable_by_others

# It dies between the write and the rename.
KILLED = """
import os, signal, sys
from pathlib import Path
from os2cli.host import private_files
def die(*arguments): os.kill(os.getpid(), signal.SIGKILL)
Path.replace = os.link = die
private_files.{name}(Path(sys.argv[1]), b"secret")
"""


def write_state(path: Path, content: bytes) -> None:
    state_files.write(path, content.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("write", [replace_file, create_file, write_state])
@pytest.mark.parametrize("killed", ["replace_file", "create_file"])
def test_the_next_write_removes_what_a_killed_one_left(
    folder: Path, write: Callable[[Path, bytes], object], killed: str
) -> None:
    argv = [sys.executable, "-c", KILLED.format(name=killed), str(folder / "a")]
    assert subprocess.run(argv, check=False).returncode == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert left.read_text() == "secret"
    running = folder / f".a.{os.getpid()}-{'0' * 16}"
    mine = folder / ".notes"
    for path in (running, mine):
        path.write_text("")

    write(folder / "b", b"text")

    assert {*folder.iterdir()} == {folder / "b", running, mine}


@pytest.mark.parametrize("mask", [0, 0o022])
def test_other_users_may_not_enter_or_read(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        replace_file(tmp_path / "new/deep/a", b"text")
    finally:
        os.umask(before)

    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("new", "new/deep/a")]
    assert modes == [0o700, 0o600]


def test_the_first_of_several_creates(folder: Path) -> None:
    assert create_file(folder / "a", b"first")
    assert not create_file(folder / "a", b"second")
    assert (folder / "a").read_bytes() == b"first"
    assert len([*folder.iterdir()]) == 1


@pytest.mark.parametrize("mask", [0, 0o002, 0o077])
def test_others_cannot_write_what_stays_readable_by_them(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with unwritable_by_others():
            (tmp_path / "a").mkdir()
        assert os.umask(mask) == mask
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o777 & ~(mask | 0o022)
