"""Temporary directories: in use they stay, and what killed processes left goes."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from os2cli.host.locked_folders import PURPOSES, remove_left_temporary, temporary_folder

# It reports its directory, and waits with it until it is killed.
PROGRAM = """
import sys
from os2cli.host.locked_folders import temporary_folder
with temporary_folder(sys.argv[1]) as folder:
    (folder / "token").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's place for temporary directories."""
    root = tmp_path / "tmp"
    root.mkdir()
    monkeypatch.setenv("TMPDIR", str(root))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return root


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("other", PURPOSES)
def test_one_goes_when_its_process_was_killed_and_not_before(
    root: Path, purpose: str, other: str
) -> None:
    foreign = root / f"os2-{purpose}"
    foreign.mkdir()
    argv = [sys.executable, "-c", PROGRAM, purpose]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().decode().strip())
        with temporary_folder(other):
            assert (folder / "token").read_text() == "secret"
        process.send_signal(signal.SIGKILL)
    assert folder.is_dir()

    with temporary_folder(other) as mine:
        assert not folder.exists()
        assert stat.S_IMODE(mine.stat().st_mode) == 0o700

    assert [*root.iterdir()] == [foreign]


def test_a_link_is_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "file").write_text("")
    (root / "os2-ssh-1").symlink_to(elsewhere)

    remove_left_temporary()

    assert (elsewhere / "file").exists()
