"""The ``.git`` of a build has the branch's history, and nothing else of the checkout."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from os2cli.core.errors import UsageError
from os2cli.snapshots.context import (
    BuildContext,
    EntryKind,
    collect,
    refuse_secrets,
    with_clean_git,
    without_links,
)
from tests.unit.snapshots.context.conftest import Git, write

DOCKERFILE = Path("Dockerfile")
SECRET = "https://me:" + "hunter2@git.internal/a.git"


def gather(root: Path) -> BuildContext:
    return collect(root, DOCKERFILE, with_git=True)


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[[Path], Path]:
    """Unpack what a build is sent into a new directory, as a builder does."""
    number = iter(range(100))

    def run(root: Path) -> Path:
        target = tmp_path / f"built-{next(number)}"
        with with_clean_git(gather(root)) as context:
            packed = io.BytesIO(b"".join(context.stream()))
        with tarfile.open(fileobj=packed) as archive:
            archive.extractall(target, filter="tar")
        return target

    return run


Unpack = Callable[[Path], Path]


@pytest.fixture
def history(checkout: Path, git: Git) -> Path:
    """A checkout with two branches, tags on both, a stash, a remote with a login and a hook."""
    git(checkout, "checkout", "-q", "-B", "main")
    git(checkout, "tag", "-a", "v1.0", "-m", "one")
    write(checkout, {"src/a.txt": "a", "docs/b.md": "b"})
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "second")
    git(checkout, "tag", "light")
    git(checkout, "checkout", "-q", "-b", "other")
    write(checkout, {"only-on-other": "SECRET-OF-OTHER"})
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "on other")
    git(checkout, "tag", "-a", "v9.9", "-m", "not reachable")
    git(checkout, "checkout", "-q", "main")
    write(checkout, {"src/a.txt": "STASHED"})
    git(checkout, "stash", "-q")
    write(checkout, {"src/c.txt": "c"})
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "third")
    git(checkout, "remote", "add", "origin", SECRET)
    write(checkout, {".git/hooks/post-checkout": "#!/bin/sh\n", ".git/description": "x"})
    return checkout


def test_status_describe_and_log_work_in_a_build(history: Path, git: Git, unpack: Unpack) -> None:
    built = unpack(history)

    assert git(built, "status", "--porcelain") == ""
    for command in (
        ("describe", "--tags", "--long", "--dirty"),
        ("describe", "--dirty", "--always"),
        ("log", "--format=%H %an %s"),
        ("symbolic-ref", "HEAD"),
        ("rev-parse", "HEAD"),
        ("cat-file", "-p", "v1.0"),
    ):
        assert git(built, *command) == git(history, *command), command
    assert git(built, "fsck", "--strict", "--full") == ""


def test_nothing_else_of_the_checkout_goes_along(history: Path, git: Git, unpack: Unpack) -> None:
    other = git(history, "rev-parse", "other").strip()
    stash = git(history, "rev-parse", "stash").strip()

    built = unpack(history)

    refs = git(built, "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/heads/main", "refs/tags/light", "refs/tags/v1.0"]
    for object_ in (other, stash):
        known = subprocess.run(["git", "cat-file", "-e", object_], cwd=built, capture_output=True)
        assert known.returncode != 0
    assert git(built, "remote") == ""
    assert not (built / ".git/hooks").exists()
    assert not (built / ".git/logs").exists()
    everything = b"".join(p.read_bytes() for p in (built / ".git").rglob("*") if p.is_file())
    assert b"hunter2" not in everything


def test_changes_of_the_working_tree_show_as_changes(
    history: Path, git: Git, unpack: Unpack
) -> None:
    write(history, {"src/a.txt": "changed", "new.txt": "new"})
    (history / "src/c.txt").unlink()

    built = unpack(history)

    status = git(built, "status", "--porcelain").splitlines()
    assert status == [" M src/a.txt", " D src/c.txt", "?? new.txt"]


def test_files_that_are_staged_show_as_added(history: Path, git: Git, unpack: Unpack) -> None:
    names = ["names/a b", "new.txt", "src/*.txt", "tips", "ö\n:x"]
    write(history, dict.fromkeys([*names, "docs/left-out", "removed"], "new"))
    untracked = gather(history).digest()
    git(history, "add", "--", ".")
    assert gather(history).digest() != untracked
    write(history, {".git/info/exclude": "new.txt\n"})
    (history / "removed").unlink()
    described = git(history, "describe", "--dirty", "--always")
    assert described.endswith("-dirty\n")

    built = unpack(history)

    assert git(built, "describe", "--dirty", "--always") == described
    status = git(built, "status", "--porcelain", "-z").split("\0")[:-1]
    assert status == [f" A {name}" for name in sorted([*names, "docs/left-out"])]
    assert git(built, "fsck", "--strict", "--full") == ""


@pytest.mark.parametrize(
    "rules", ["docs\n.git\n", "*\n!src\n", ".git/objects\ndocs\n", "**/.git\ndocs"]
)
def test_files_left_out_by_the_ignore_file_do_not_count_as_removed(
    history: Path, git: Git, unpack: Unpack, rules: str
) -> None:
    write(history, {".dockerignore": rules})
    git(history, "add", ".")
    git(history, "commit", "-qm", "ignore")

    built = unpack(history)

    assert not (built / "docs").exists()
    assert git(built, "status", "--porcelain") == ""


@pytest.mark.parametrize("mark", ["--skip-worktree", "--assume-unchanged"])
def test_files_that_the_user_marked_do_not_count_as_changed(
    history: Path, git: Git, unpack: Unpack, mark: str
) -> None:
    git(history, "update-index", mark, "src/a.txt")
    write(history, {"src/a.txt": "of this host", "src/c.txt": "changed"})

    built = unpack(history)

    assert (built / "src/a.txt").read_text() == "of this host"
    assert git(built, "status", "--porcelain") == git(history, "status", "--porcelain")


@pytest.mark.parametrize("value", ["core.autocrlf=true", "core.eol=crlf", "core.fileMode=No"])
def test_the_checkout_s_form_of_files_does_not_count_as_a_change(
    history: Path, git: Git, unpack: Unpack, value: str
) -> None:
    write(history, {".gitattributes": "*.txt text\n", "src/a.txt": "a\nb\n"})
    git(history, "add", ".")
    git(history, "commit", "-qm", "lines")
    before = gather(history).digest()
    git(history, "config", *value.split("="))
    (history / "src/a.txt").unlink()
    git(history, "checkout", "-q", "src/a.txt")
    (history / "src/c.txt").chmod(0o755 if "fileMode" in value else 0o644)

    built = unpack(history)

    assert git(built, "status", "--porcelain") == git(history, "status", "--porcelain") == ""
    assert gather(history).digest() != before


def test_no_other_setting_goes_along(history: Path, git: Git, unpack: Unpack) -> None:
    for name in ("core.eol", "core.sshCommand", "http.extraHeader", "user.name"):
        git(history, "config", name, "hunter2")

    built = unpack(history)

    assert "hunter2" not in (built / ".git/config").read_text()


def test_a_submodule_that_is_not_checked_out_does_not_count_as_removed(
    history: Path, git: Git, unpack: Unpack, tmp_path: Path
) -> None:
    lib = submodule(history, git, tmp_path / "outer")
    outer = write(lib.parent, {"Dockerfile": "FROM scratch\n"})
    git(outer, "add", ".")
    git(outer, "commit", "-qm", "with a submodule")
    assert git(unpack(outer), "status", "--porcelain") == ""

    git(outer, "submodule", "--quiet", "deinit", "--force", "lib")

    assert git(unpack(outer), "status", "--porcelain") == ""
    lib.rmdir()
    assert git(unpack(outer), "status", "--porcelain") == " D lib\n"


def worktree(root: Path, git: Git, place: Path) -> Path:
    git(root, "worktree", "add", "-q", "--detach", str(place), "main")
    return place


def submodule(root: Path, git: Git, place: Path) -> Path:
    write(place, {"x": "x"})
    git(place, "init", "-q")
    git(place, "submodule", "--quiet", "add", str(root), "lib")
    return place / "lib"


def shallow(root: Path, git: Git, place: Path) -> Path:
    git(root, "clone", "-q", "--depth", "2", f"file://{root}", str(place))
    return place


def shared(root: Path, git: Git, place: Path) -> Path:
    git(root, "clone", "-q", "--shared", str(root), str(place))
    return place


def sparse(root: Path, git: Git, place: Path) -> Path:
    git(root, "clone", "-q", str(root), str(place))
    git(place, "sparse-checkout", "set", "src")
    return place


def partial(root: Path, git: Git, place: Path) -> Path:
    git(root, "config", "uploadpack.allowFilter", "true")
    git(root, "clone", "-q", "--filter=blob:none", f"file://{root}", str(place))
    git(root, "config", "--unset", "uploadpack.allowFilter")
    return place


def detached(root: Path, git: Git, place: Path) -> Path:
    del place
    git(root, "checkout", "-q", "--detach")
    return root


def packed(root: Path, git: Git, place: Path) -> Path:
    del place
    git(root, "gc", "-q")
    return root


def odd_branch(root: Path, git: Git, place: Path) -> Path:
    del place
    git(root, "checkout", "-q", "-b", "fëature/a b".replace(" ", "-") + "/@x")
    return root


KINDS = [worktree, submodule, shallow, shared, sparse, partial, detached, packed, odd_branch]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_it_works_from_every_kind_of_checkout(
    history: Path, git: Git, unpack: Unpack, tmp_path: Path, kind: Callable[..., Path]
) -> None:
    root = kind(history, git, tmp_path / "kind")

    built = unpack(root)

    assert git(built, "status", "--porcelain") == ""
    for command in (
        ("rev-parse", "HEAD"),
        ("rev-parse", "--symbolic-full-name", "HEAD"),
        ("log", "--format=%H"),
        ("describe", "--tags", "--always", "--dirty"),
        ("rev-parse", "--is-shallow-repository"),
    ):
        assert git(built, *command) == git(root, *command), command


def test_it_works_with_sha256(tmp_path: Path, git: Git, unpack: Unpack) -> None:
    root = write(tmp_path / "root", {"Dockerfile": "FROM scratch\n"})
    git(root, "init", "-q", "--object-format=sha256")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")

    built = unpack(root)

    assert git(built, "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")
    assert git(built, "status", "--porcelain") == ""


def test_the_user_s_settings_do_not_change_it(
    history: Path, git: Git, tmp_path: Path, unpack: Unpack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older git in an image could not read an index of a newer form."""
    settings = write(
        tmp_path / "home",
        {"config": "[core]\nsplitIndex = true\n[index]\nversion = 4\nskipHash = true\n"},
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings / "config"))

    built = unpack(history)

    assert (built / ".git/index").read_bytes()[:8] == b"DIRC\0\0\0\2"
    assert list((built / ".git").glob("sharedindex*")) == []
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    assert git(built, "status", "--porcelain") == ""


def test_it_works_before_the_first_commit(tmp_path: Path, git: Git, unpack: Unpack) -> None:
    root = write(tmp_path / "root", {"Dockerfile": "FROM scratch\n"})
    git(root, "init", "-q", "-b", "trunk")

    built = unpack(root)

    assert git(built, "symbolic-ref", "HEAD") == "refs/heads/trunk\n"
    assert git(built, "status", "--porcelain") == "?? Dockerfile\n"


def test_its_key_changes_with_commit_branch_and_tags_only(history: Path, git: Git) -> None:
    digests = [gather(history).digest()]

    git(history, "gc", "-q")
    git(history, "branch", "another")
    git(history, "tag", "elsewhere", "other")
    assert gather(history).digest() == digests[0]

    for change in (
        ("tag", "v2"),
        ("checkout", "-q", "-b", "renamed"),
        ("commit", "-q", "--allow-empty", "-m", "fourth"),
        ("checkout", "-q", "--detach"),
    ):
        git(history, *change)
        digests.append(gather(history).digest())
    digests.append(collect(history, DOCKERFILE).digest())
    assert len(set(digests)) == len(digests)


def test_two_clones_are_packed_alike(history: Path, git: Git, tmp_path: Path) -> None:
    """A layer with the ``.git`` stays cached as long as there is no commit."""

    def sent(root: Path) -> list[tuple[str, int, int]]:
        with with_clean_git(gather(root)) as context:
            return [(e.path, e.size, e.modified_ns) for e in context.entries if e.folder]

    assert sent(history) == sent(history)


@contextmanager
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place


def test_it_is_private_and_gone_after_a_build_that_failed(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary(tmp_path, monkeypatch) as place:
        building = with_clean_git(gather(history))
        building.__enter__()
        (made,) = place.iterdir()
        assert made.stat().st_mode & 0o077 == 0
        interrupt = KeyboardInterrupt()
        assert not building.__exit__(KeyboardInterrupt, interrupt, None)
        assert list(place.iterdir()) == []


def test_files_only_for_a_builder_that_keeps_nothing_else(
    history: Path, git: Git, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    with with_clean_git(without_links(gather(history)), folders=False) as context:
        added = [entry for entry in context.entries if entry.path.startswith(".git/")]
        assert {entry.kind for entry in added} == {EntryKind.FILE}
        packed = io.BytesIO(b"".join(context.stream()))
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(target, filter="tar")

    assert git(target, "status", "--porcelain") == ""


def test_it_is_not_searched_for_secrets(history: Path) -> None:
    with with_clean_git(gather(history)) as context:
        refuse_secrets(context)


class TestRefusal:
    def refused(self, root: Path) -> UsageError:
        with pytest.raises(UsageError, match="--with-git") as raised, with_clean_git(gather(root)):
            pass
        assert raised.value.hint
        return raised.value

    def test_a_directory_outside_of_a_checkout(self, folder: Path) -> None:
        assert self.refused(folder).code == "git_not_found"

    def test_a_directory_below_the_root_names_the_root(self, history: Path) -> None:
        write(history, {"below/Dockerfile": "FROM scratch\n"})

        error = self.refused(history / "below")

        assert error.code == "git_not_found"
        assert str(history) in (error.hint or "")

    def test_a_head_that_leads_nowhere(self, history: Path) -> None:
        (history / ".git/HEAD").write_text("1" * 40 + "\n")

        assert self.refused(history).code == "repository_unreadable"

    def test_a_missing_object(self, history: Path, git: Git) -> None:
        blob = git(history, "rev-parse", "HEAD:src/a.txt").strip()
        (history / ".git/objects" / blob[:2] / blob[2:]).unlink()

        assert self.refused(history).code == "repository_unreadable"

    def test_a_partial_clone_without_its_trees_fetches_nothing(
        self, history: Path, git: Git, tmp_path: Path
    ) -> None:
        git(history, "config", "uploadpack.allowFilter", "true")
        clone = tmp_path / "clone"
        git(
            history,
            "clone",
            "-q",
            "--filter=tree:0",
            "--no-checkout",
            f"file://{history}",
            str(clone),
        )
        write(clone, {"Dockerfile": "FROM scratch\n"})
        before = sorted((clone / ".git/objects/pack").iterdir())

        error = self.refused(clone)

        assert error.code == "repository_unreadable"
        assert "partial clone" in error.message
        assert sorted((clone / ".git/objects/pack").iterdir()) == before

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
    def test_another_user_s_repository(self, history: Path) -> None:
        for place in (history, *history.rglob("*")):
            os.chown(place, 12345, 12345, follow_symlinks=False)

        with pytest.raises(UsageError) as raised:
            gather(history)
        assert "safe.directory" in (raised.value.hint or "")
