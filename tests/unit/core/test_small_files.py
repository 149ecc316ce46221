"""Files that others may have put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from os2cli.core.small_files import read_small


def test_returns_the_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(file)

    assert read_small(tmp_path / "link", limit=5) == b"12345"


def test_rejects_a_larger_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123456")

    with pytest.raises(OSError, match="larger than 5e-06 MB"):
        read_small(tmp_path / "file", limit=5)


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "link to an endless device"])
def test_rejects_what_is_not_a_regular_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link to an endless device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/null")

    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match=r"regular file|directory"):
        read_small(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
