"""Real folders and real git; the home of the whole suite is empty and temporary."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Git = Callable[..., str]
DOCKERFILE = "FROM scratch\nCOPY . /\n"


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write ``files`` (path: content) below ``root``."""
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


@pytest.fixture
def git() -> Git:
    """Run git in a folder: ``git(folder, "add", ".")`` gives what it printed."""
    settings = ("user.name=t", "user.email=t@example.com", "protocol.file.allow=always")
    options = [part for setting in settings for part in ("-c", setting)]

    def run(folder: Path, *arguments: str) -> str:
        command = ["git", *options, *arguments]
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=30
        ).stdout

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a Dockerfile, outside of any checkout."""
    return write(tmp_path / "folder", {"Dockerfile": DOCKERFILE})


@pytest.fixture
def checkout(tmp_path: Path, git: Git) -> Path:
    """A repository with one commit that holds a Dockerfile."""
    root = write(tmp_path / "checkout", {"Dockerfile": DOCKERFILE})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


@pytest.fixture
def as_nobody(folder: Path) -> Iterator[None]:
    """Run the test as an ordinary user, because permissions do not stop root.

    The folders above ``folder`` are pytest's own and closed to others, so they are opened.
    """
    if os.geteuid() != 0:
        yield
        return
    for place in folder.parents:
        if place.owner() == "root" and "pytest" in str(place):
            place.chmod(0o755)
    os.chown(folder, 65534, -1)
    for place in folder.rglob("*"):
        os.chown(place, 65534, -1)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
