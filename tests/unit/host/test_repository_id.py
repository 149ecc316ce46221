"""Whether an id is the repository's own, however another repository imitates it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.host.repository import Source, bundled_source, locate_source
from os2cli.host.repository_id import repository_id

MACHINE_ID = "0123456789abcdef" * 2


@pytest.fixture
def machine_id(tmp_path: Path) -> Path:
    """A host's id."""
    path = tmp_path / "machine-id"
    path.write_text(f"{MACHINE_ID}\n")
    return path


@pytest.fixture
def id_of(tmp_path: Path, machine_id: Path) -> Callable[[Path], str]:
    """The id of the repository around a directory."""

    def identify(folder: Path) -> str:
        return repository_id(Source(folder, folder / "Dockerfile"), tmp_path / "state", machine_id)

    return identify


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A repository with a commit."""
    return make_repository(tmp_path / "victim")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.test")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def make_repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    return folder


def worktree(victim: Path) -> Path:
    path = victim.parent / "worktree"
    git(victim, "worktree", "add", "--quiet", str(path))
    return path


def below(victim: Path) -> Path:
    folder = victim / "apps/a"
    folder.mkdir(parents=True)
    return folder


def linked(victim: Path) -> Path:
    link = victim.parent / "link"
    link.symlink_to(victim)
    return link


def worktree_of_a_worktree(victim: Path) -> Path:
    path = victim.parent / "second"
    git(worktree(victim), "worktree", "add", "--quiet", str(path))
    return path


@pytest.mark.parametrize("place", [worktree, below, linked, worktree_of_a_worktree])
def test_every_place_of_a_repository_has_its_id(
    id_of: Callable[[Path], str], victim: Path, place: Callable[[Path], Path]
) -> None:
    before = id_of(victim)

    assert id_of(place(victim)) == before == id_of(victim)


def copied(victim: Path, hostile: Path) -> None:
    shutil.copytree(victim, hostile)


def cloned(victim: Path, hostile: Path) -> None:
    git(victim.parent, "clone", "--quiet", str(victim), str(hostile))


def a_link_to_its_git(victim: Path, hostile: Path) -> None:
    hostile.mkdir()
    (hostile / ".git").symlink_to(victim / ".git")


def a_file_that_names_its_git(victim: Path, hostile: Path) -> None:
    hostile.mkdir()
    (hostile / ".git").write_text(f"gitdir: {victim / '.git'}\n")


def a_file_that_names_its_worktree(victim: Path, hostile: Path) -> None:
    worktree(victim)
    hostile.mkdir()
    (hostile / ".git").write_text(f"gitdir: {victim / '.git/worktrees/worktree'}\n")


def a_worktree_that_names_its_git(victim: Path, hostile: Path) -> None:
    make_repository(hostile)
    own = hostile / "own"
    own.mkdir()
    (own / "commondir").write_text(f"{victim / '.git'}\n")
    (own / "gitdir").write_text(f"{worktree(victim) / '.git'}\n")
    shutil.rmtree(hostile / ".git")
    (hostile / ".git").write_text(f"gitdir: {own}\n")


def a_worktree_of_its_own(victim: Path, hostile: Path) -> None:
    hostile.mkdir()
    (hostile / ".git").write_text("gitdir: own\n")
    (hostile / "own").mkdir()
    (hostile / "own/gitdir").write_text(f"{hostile / '.git'}\n")
    (hostile / "own/commondir").write_text(f"{victim / '.git'}\n")


def worktrees_that_are_linked(victim: Path, hostile: Path) -> None:
    hostile.mkdir()
    (hostile / "worktrees").symlink_to(worktree(victim).parent / "victim/.git/worktrees")
    (hostile / ".git").write_text("gitdir: worktrees/worktree\n")


def a_fifo(victim: Path, hostile: Path) -> None:
    hostile.mkdir()
    os.mkfifo(hostile / ".git")


def files_without_end(victim: Path, hostile: Path) -> None:
    hostile.mkdir()
    (hostile / "gitdir").symlink_to("/dev/zero")
    (hostile / ".git").write_text(f"gitdir: {hostile}\n")


HOSTILE = [
    copied,
    cloned,
    a_link_to_its_git,
    a_file_that_names_its_git,
    a_file_that_names_its_worktree,
    a_worktree_that_names_its_git,
    a_worktree_of_its_own,
    worktrees_that_are_linked,
    a_fifo,
    files_without_end,
]


@pytest.mark.parametrize("make", HOSTILE)
def test_no_other_repository_has_its_id(
    id_of: Callable[[Path], str],
    tmp_path: Path,
    victim: Path,
    make: Callable[[Path, Path], None],
) -> None:
    hostile = tmp_path / "hostile"
    make(victim, hostile)

    found = id_of(hostile)

    assert found not in (id_of(victim), id_of(bundled_source().root))
    assert found == id_of(hostile)


def test_the_bundled_sandbox_has_one_id_everywhere(tmp_path: Path, machine_id: Path) -> None:
    folder = tmp_path / "without a Dockerfile"
    folder.mkdir()
    checkout = bundled_source().root

    from_elsewhere = repository_id(locate_source(folder, None, None), tmp_path, machine_id)
    at_home = repository_id(locate_source(checkout, None, None), tmp_path, machine_id)

    assert from_elsewhere == at_home


def test_it_depends_on_the_host_and_shows_nothing_of_it(tmp_path: Path, victim: Path) -> None:
    ids = []
    for digit in "ab":
        path = tmp_path / f"machine-{digit}"
        path.write_text(digit * 32)
        ids.append(repository_id(Source(victim, victim), tmp_path / "state", path))

    assert len(set(ids)) == 2
    assert all(len(each) == 32 and int(each, 16) for each in ids)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("content", [None, "", "uninitialized\n", "x" * 2000])
def test_without_a_machine_id_a_key_is_kept(
    tmp_path: Path, victim: Path, content: str | None
) -> None:
    host, state = tmp_path / "machine-id", tmp_path / "state"
    if content is not None:
        host.write_text(content)
    before = os.umask(0)
    try:
        with ThreadPoolExecutor(8) as pool:
            source = Source(victim, victim)
            ids = set(pool.map(lambda _: repository_id(source, state, host), range(32)))
    finally:
        os.umask(before)

    assert len(ids) == 1
    (key,) = state.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    other = repository_id(source, tmp_path / "of another user", host)
    assert other not in ids


def test_a_state_directory_that_cannot_be_written_is_reported(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OperationFailed, match="cannot keep a key"):
        repository_id(Source(victim, victim), tmp_path / "file", tmp_path / "none")
