"""Which files a context holds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed, TimedOut, UsageError
from os2cli.snapshots.context import BuildContext, EntryKind, collect
from os2cli.snapshots.context import git as git_module
from tests.unit.snapshots.context.conftest import DOCKERFILE, Git, write


def files(context: BuildContext) -> set[str]:
    return {entry.path for entry in context.entries if entry.kind is not EntryKind.FOLDER}


def sent(root: Path, dockerfile: str = "Dockerfile") -> set[str]:
    return files(collect(root, Path(dockerfile))) - {"Dockerfile"}


def test_checkout_gives_tracked_and_untracked_files_but_not_ignored_ones(
    checkout: Path, git: Git
) -> None:
    write(checkout, {".gitignore": "*.log\nbuild/\n", "src/a.py": "1", "gone.py": "1"})
    git(checkout, "add", ".")
    (checkout / "gone.py").unlink()
    write(checkout, {"new.py": "1", "x.log": "1", "build/out": "1", "tracked.log": "1"})
    git(checkout, "add", "-f", "tracked.log")
    assert sent(checkout) == {".gitignore", "src/a.py", "new.py", "tracked.log"}


def test_checkout_gives_the_contents_of_the_work_tree(checkout: Path) -> None:
    write(checkout, {"Dockerfile": "FROM changed\n"})
    assert collect(checkout, Path("Dockerfile")).dockerfile_text == "FROM changed\n"


def test_sub_folder_of_a_checkout_is_its_own_root(checkout: Path) -> None:
    write(checkout, {".gitignore": "*.log", "sub/Dockerfile": "", "sub/a": "1", "sub/a.log": "1"})
    assert sent(checkout / "sub") == {"a"}


def test_a_folder_that_git_ignores_as_a_whole_is_sent_as_it_is(checkout: Path) -> None:
    write(checkout, {".gitignore": "build/", "build/out/Dockerfile": "", "build/out/a/b": "1"})
    assert sent(checkout / "build/out") == {"a/b"}


def test_git_variables_of_a_hook_do_not_misdirect(
    checkout: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(tmp_path / "other", {"other": "1"})
    git(other, "init", "-q")
    git(other, "add", ".")
    write(checkout, {".gitignore": "*.log", "a.log": "1"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert sent(checkout) == {".gitignore"}


def test_nothing_is_written_to_the_repository(checkout: Path) -> None:
    def state() -> dict[str, int]:
        return {str(p): p.stat().st_mtime_ns for p in sorted((checkout / ".git").rglob("*"))}

    write(checkout, {"new": "1"})
    os.utime(checkout / "Dockerfile", (1, 1))  # a stale index, which `git status` would refresh
    (checkout / ".git" / "index.lock").touch()
    before = state()
    assert sent(checkout) == {"new"}
    assert state() == before


def test_configured_file_system_monitor_is_not_run(
    checkout: Path, git: Git, tmp_path: Path
) -> None:
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    monitor.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(monitor))
    collect(checkout, Path("Dockerfile"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_repository_of_another_user_is_rejected_with_git_s_remedy(checkout: Path) -> None:
    for place in (checkout, *checkout.rglob("*")):
        os.chown(place, 12345, 12345)
    with pytest.raises(UsageError, match="dubious ownership") as raised:
        collect(checkout, Path("Dockerfile"))
    assert raised.value.code == "repository_not_trusted"
    assert raised.value.hint == f"git config --global --add safe.directory {checkout}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_repository_that_the_user_trusts_is_read(
    checkout: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkout, {".gitignore": "*.log", "a.log": "1"})
    for place in (checkout, *checkout.rglob("*")):
        os.chown(place, 12345, 12345)
    settings = tmp_path / "settings"
    git(tmp_path, "config", "--file", str(settings), "safe.directory", str(checkout))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert sent(checkout) == {".gitignore"}


def test_submodule_is_sent_with_its_untracked_files(
    checkout: Path, tmp_path: Path, git: Git
) -> None:
    library = write(tmp_path / "library", {"lib.py": "1", ".gitignore": "*.log"})
    git(library, "init", "-q")
    git(library, "add", ".")
    git(library, "commit", "-qm", "first")
    git(checkout, "submodule", "add", "-q", str(library), "vendor/lib")
    write(checkout, {"vendor/lib/new.py": "1", "vendor/lib/a.log": "1"})
    expected = {f"vendor/lib/{name}" for name in ("lib.py", ".gitignore", "new.py")}
    assert sent(checkout) == {".gitmodules", *expected}

    git(checkout, "submodule", "deinit", "-f", "vendor/lib")
    context = collect(checkout, Path("Dockerfile"))
    assert files(context) == {"Dockerfile", ".gitmodules"}
    assert context.unkept == ("vendor/lib is a submodule that is not checked out: not sent",)


def test_other_repository_inside_is_noted_and_not_sent(checkout: Path, git: Git) -> None:
    write(checkout, {"tree/a": "1"})
    git(checkout / "tree", "init", "-q")
    git(checkout / "tree", "add", ".")
    git(checkout / "tree", "commit", "-qm", "first")
    context = collect(checkout, Path("Dockerfile"))
    assert files(context) == {"Dockerfile"}
    assert context.unkept == ("tree/ is another repository: not sent",)


def test_broken_repository_is_an_error_and_not_sent_whole(folder: Path) -> None:
    (folder / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(UsageError, match="git cannot list the files") as raised:
        collect(folder, Path("Dockerfile"))
    assert raised.value.hint


def test_inside_of_a_git_folder_is_an_error(checkout: Path) -> None:
    write(checkout / ".git", {"Dockerfile": ""})
    with pytest.raises(UsageError, match="work tree"):
        collect(checkout / ".git", Path("Dockerfile"))


def test_checkout_without_git_installed_is_an_error(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="git is not installed"):
        collect(checkout, Path("Dockerfile"))


def test_folder_without_git_is_walked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    write(folder, {".gitignore": "*.log", "a.log": "1", "d/b": "1"})
    (folder / "empty").mkdir()
    context = collect(folder, Path("Dockerfile"))
    assert [(entry.path, entry.kind.value, entry.mode) for entry in context.entries] == [
        (".gitignore", "file", 0o644),
        ("Dockerfile", "file", 0o644),
        ("a.log", "file", 0o644),
        ("d", "folder", 0o755),
        ("d/b", "file", 0o644),
        ("empty", "folder", 0o755),
    ]


def test_walk_skips_the_repositories_of_clones_below(folder: Path, git: Git) -> None:
    write(folder, {"clone/a": "1"})
    git(folder / "clone", "init", "-q")
    assert sent(folder) == {"clone/a"}


def test_walk_keeps_what_an_exception_brings_back_and_no_more(folder: Path) -> None:
    write(folder, {".dockerignore": "*\n!**/keep\n!d/x\n", "a/b/keep": "1", "a/b/other": "1"})
    (folder / "d" / "empty").mkdir(parents=True)
    paths = [entry.path for entry in collect(folder, Path("Dockerfile")).entries]
    assert paths == ["Dockerfile", "a", "a/b", "a/b/keep"]


def test_unreadable_folder_is_named_and_can_be_ignored(folder: Path, as_nobody: None) -> None:
    write(folder, {"private/a": "1"})
    (folder / "private").chmod(0)
    with pytest.raises(UsageError, match="private: permission denied") as raised:
        collect(folder, Path("Dockerfile"))
    assert ".dockerignore" in (raised.value.hint or "")
    write(folder, {".dockerignore": "private"})
    assert sent(folder) == {".dockerignore"}


def test_links_stay_links_even_dangling_or_leaving_the_root(checkout: Path) -> None:
    write(checkout, {"d/f": "1"})
    for name, target in {
        "in": "d",
        "dangling": "nowhere",
        "out": "/etc/passwd",
        "up": "..",
    }.items():
        (checkout / name).symlink_to(target)
    entries = {entry.path: entry for entry in collect(checkout, Path("Dockerfile")).entries}
    links = {path: entry.target for path, entry in entries.items() if entry.target is not None}
    assert links == {"in": "d", "dangling": "nowhere", "out": "/etc/passwd", "up": ".."}
    assert {entries[path].kind for path in links} == {EntryKind.LINK}
    assert {path for path in entries if path.startswith(("in/", "up/"))} == set()


def test_tracked_folder_that_became_a_link_is_not_followed(
    checkout: Path, tmp_path: Path, git: Git
) -> None:
    write(checkout, {"d/f": "inside"})
    git(checkout, "add", ".")
    (checkout / "d" / "f").unlink()
    (checkout / "d").rmdir()
    (checkout / "d").symlink_to(write(tmp_path / "outside", {"f": "outside"}))
    assert sent(checkout) == {"d"}


def test_what_cannot_be_sent_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # a socket's path must be short
    os.mkfifo("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("sock")
        context = collect(folder, Path("Dockerfile"))
    assert files(context) == {"Dockerfile"}
    assert context.unkept == ("fifo is a fifo: not sent", "sock is a socket: not sent")


def test_names_that_are_not_utf8_are_kept(checkout: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write(checkout, {name: "1", "caf\u00e9": "2", "new\nline": "3", "a b": "4"})
    assert sent(checkout) == {"caf\udce9", "caf\u00e9", "new\nline", "a b"}


def test_modes_are_normalised_and_entries_sorted_by_bytes(folder: Path) -> None:
    write(folder, {"run": "1", "data": "1", "a-b": "1", "a/b": "1", "z": "", "\u00e9": ""})
    (folder / "run").chmod(0o6711)
    (folder / "data").chmod(0o660)
    (folder / "a").chmod(0o1777)
    entries = collect(folder, Path("Dockerfile")).entries
    assert [entry.path for entry in entries] == [
        "Dockerfile", "a", "a-b", "a/b", "data", "run", "z", "\u00e9",
    ]  # fmt: skip
    assert {entry.path: entry.mode for entry in entries if entry.mode != 0o644} == {
        "run": 0o755,
        "a": 0o755,
    }


def test_dockerignore_applies_on_top_of_git_and_cannot_undo_it(checkout: Path) -> None:
    write(
        checkout,
        {
            ".gitignore": "*.log\n",
            ".dockerignore": "*.md\n!keep.md\n!a.log\n",
            "a.log": "1",
            "b.md": "1",
            "keep.md": "1",
        },
    )
    assert sent(checkout) == {".gitignore", ".dockerignore", "keep.md"}


def test_dockerfile_is_sent_even_if_ignored(checkout: Path) -> None:
    write(
        checkout, {".dockerignore": "*\n", ".gitignore": "build/\n", "build/Dockerfile": "FROM x"}
    )
    context = collect(checkout, Path("build/Dockerfile"))
    assert files(context) == {"build/Dockerfile"}
    assert context.dockerfile == "build/Dockerfile"
    assert context.dockerfile_text == "FROM x"


def test_dockerfiles_own_ignore_file_is_preferred(checkout: Path) -> None:
    write(checkout, {".dockerignore": "a\n", "x/Dev.dockerignore": "b\n", "x/Dev": DOCKERFILE})
    write(checkout, {"a": "1", "b": "1"})
    assert sent(checkout, "x/Dev") == {".dockerignore", "a", "x/Dev", "x/Dev.dockerignore"}
    assert sent(checkout) == {".dockerignore", "b", "x/Dev", "x/Dev.dockerignore"}


def test_dockerfile_may_be_given_as_an_absolute_path_or_a_link(checkout: Path) -> None:
    write(checkout, {"docker/real": "FROM real"})
    (checkout / "link").symlink_to("docker/real")
    context = collect(checkout, checkout / "link")
    assert (context.dockerfile, context.dockerfile_text) == ("docker/real", "FROM real")


def test_root_and_dockerfile_may_be_reached_through_a_link(folder: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(folder)
    context = collect(alias, alias / "Dockerfile")
    assert (context.root, context.dockerfile) == (folder.resolve(), "Dockerfile")


def test_dockerfile_that_vanished_is_an_error(folder: Path) -> None:
    context = collect(folder, Path("Dockerfile"))
    (folder / "Dockerfile").unlink()
    with pytest.raises(OperationFailed, match="Dockerfile changed"):
        _ = context.dockerfile_text


@pytest.mark.parametrize("path", ["../outside", "link", "missing", ".", "/etc/hostname"])
def test_dockerfile_must_be_a_file_inside(checkout: Path, path: str) -> None:
    write(checkout.parent, {"outside": DOCKERFILE})
    (checkout / "link").symlink_to("../outside")
    with pytest.raises(UsageError):
        collect(checkout, Path(path))


@pytest.mark.parametrize("path", ["missing", "Dockerfile"])
def test_root_must_be_a_folder(folder: Path, path: str) -> None:
    with pytest.raises(UsageError):
        collect(folder / path, Path("Dockerfile"))


def test_a_slow_git_is_given_up(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = write(tmp_path / "bin", {"git": "#!/bin/sh\nexec sleep 60\n"}) / "git"
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    monkeypatch.setattr(git_module, "_DEADLINE_SECONDS", 0.2)
    with pytest.raises(TimedOut, match="waiting for git to list"):
        collect(checkout, Path("Dockerfile"))


def test_size_is_the_sum_of_the_contents(folder: Path) -> None:
    write(folder, {"a": "12345", "d/b": "123"})
    assert collect(folder, Path("Dockerfile")).size_bytes == len(DOCKERFILE) + 8
