"""A machine gets the files that git knows; what looks like a secret among them is refused."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from os2cli.core.errors import UsageError
from os2cli.snapshots.context import collect_mounted, refuse_mounted_secrets
from os2cli.snapshots.context.entries import EntryKind
from os2cli.snapshots.context.mounted import unfinished, versions
from tests.unit.snapshots.context.conftest import Git, write

TOKEN = "gh" + "p_" + "aB3" * 12


def paths(root: Path) -> list[str]:
    entries = collect_mounted(root).entries
    return [entry.path for entry in entries if entry.kind is not EntryKind.FOLDER]


def populate(root: Path) -> None:
    write(root, {".gitignore": ".env\nbuild/\n", ".env": "A=b", "build/out": "x", "new": "x"})


@pytest.fixture
def worktree(checkout: Path, git: Git, tmp_path: Path) -> Path:
    git(checkout, "worktree", "add", "-q", str(tmp_path / "worktree"))
    return tmp_path / "worktree"


def test_nothing_ignored_goes_along(checkout: Path) -> None:
    populate(checkout)

    assert paths(checkout) == [".gitignore", "Dockerfile", "new"]


def test_nothing_ignored_goes_along_from_a_worktree(worktree: Path) -> None:
    populate(worktree)

    assert paths(worktree) == [".gitignore", "Dockerfile", "new"]


def test_a_docker_ignore_file_is_not_for_machines(checkout: Path) -> None:
    write(checkout, {".dockerignore": "*\n", "docs/a.md": "x"})

    assert paths(checkout) == [".dockerignore", "Dockerfile", "docs/a.md"]


def test_outside_of_a_checkout_all_but_dependencies_go_along(folder: Path) -> None:
    write(folder, {"a/node_modules/x/index.js": "x", "node_modules/y": "y", ".env": "", "a/b": "b"})

    assert paths(folder) == [".env", "Dockerfile", "a/b"]


def test_a_submodule_that_is_not_checked_out_is_named(checkout: Path, git: Git) -> None:
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    (checkout / "lib").mkdir()

    tree = collect_mounted(checkout)

    assert tree.notes == ("lib is a submodule that is not checked out: not sent",)
    assert paths(checkout) == ["Dockerfile"]


def test_submodules_and_sparse_checkouts_go_along_as_they_are(
    checkout: Path, git: Git, tmp_path: Path
) -> None:
    write(checkout, {"in/a": "a", "out/b": "b"})
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "second")
    top = write(tmp_path / "top", {"x": "x"})
    git(top, "init", "-q")
    git(top, "submodule", "--quiet", "add", str(checkout), "lib")
    git(top / "lib", "sparse-checkout", "set", "in")
    write(top, {"lib/untracked": "u"})

    assert paths(top) == [".gitmodules", "lib/Dockerfile", "lib/in/a", "lib/untracked", "x"]


def test_another_repository_inside_is_named(checkout: Path, git: Git) -> None:
    write(checkout, {"other/file": "x"})
    git(checkout / "other", "init", "-q")

    assert collect_mounted(checkout).notes == ("other/ is another repository: not sent",)


@pytest.mark.parametrize("name", [b"a\nb", b"\xff", b"a:b", b" ", b"-", b"p\tx", "ü".encode()])
def test_any_name_is_in_the_list(checkout: Path, name: bytes) -> None:
    with open(os.fsencode(checkout) + b"/" + name, "wb"):  # noqa: PTH123  any bytes
        pass

    tree = collect_mounted(checkout)

    assert set(versions(tree.listing())) == {b"Dockerfile", name}


class TestList:
    def test_it_has_mode_size_and_time_of_files_and_targets_of_links(self, folder: Path) -> None:
        write(folder, {"a": "four"})
        (folder / "a").chmod(0o750)
        os.utime(folder / "a", ns=(0, 1_700_000_000_123_456_789))
        (folder / "link").symlink_to("/out/side")

        known = versions(collect_mounted(folder).listing())

        assert known[b"a"] == b"f750 4 1700000000123456789"
        assert known[b"link"] == b"l/out/side"

    def test_only_what_changed_is_sent_again(self, folder: Path) -> None:
        write(folder, {"a": "a", "b": "b", "c": "c"})
        before = collect_mounted(folder)
        write(folder, {"a": "longer", "d": "d"})
        (folder / "b").unlink()

        now = collect_mounted(folder)
        sent = now.changed_since(before.listing())

        assert [entry.path for entry in sent.entries] == ["a", "d"]
        assert now.listing(sent, before.listing()) == now.listing()
        assert now.changed_since(unfinished("x")).entries == now.entries

    def test_a_file_that_became_a_secret_stays_as_it_was(self, folder: Path) -> None:
        write(folder, {"a": "a", "b": "b"})
        before = collect_mounted(folder)
        write(folder, {"a": f"TOKEN={TOKEN}", "new": TOKEN, "b": "longer"})

        now = collect_mounted(folder)
        sent = now.changed_since(before.listing()).without_secrets()
        listing = now.listing(sent, before.listing())

        assert [entry.path for entry in sent.entries] == ["b"]
        assert versions(listing)[b"a"] == versions(before.listing())[b"a"]
        assert b"new" not in versions(listing)
        assert b"new looks like" in listing
        assert TOKEN.encode() not in listing


@pytest.mark.usefixtures("as_nobody")
def test_a_file_that_may_not_be_read_is_named_and_stays_as_it_was(folder: Path) -> None:
    write(folder, {"a": "a", "b": "b"})
    before = collect_mounted(folder)
    (folder / "a").chmod(0)

    now = collect_mounted(folder)
    sent = now.changed_since(before.listing()).readable()
    listing = now.listing(sent, before.listing())

    assert sent.notes == ("a may not be read: not sent",)
    assert versions(listing)[b"a"] == versions(before.listing())[b"a"]
    assert b"a" not in versions(now.listing(now.readable()))


class TestSecrets:
    def files(self, root: Path) -> list[str]:
        with pytest.raises(UsageError, match="look like secrets") as raised:
            refuse_mounted_secrets(collect_mounted(root))
        assert raised.value.code == "secrets_in_mount"
        assert "--allow-secrets" in (raised.value.hint or "")
        assert TOKEN not in repr(raised.value.__dict__)
        found: list[str] = raised.value.details["files"]
        return found

    @pytest.mark.parametrize("path", [".env", "app/.env.local", "prod.env", "deep/er/notes.txt"])
    def test_one_that_git_knows_is_refused_and_one_that_it_ignores_is_not(
        self, checkout: Path, path: str
    ) -> None:
        write(checkout, {path: f"TOKEN={TOKEN}\n"})
        assert self.files(checkout) == [path]

        write(checkout, {".gitignore": f"/{path}\n"})
        refuse_mounted_secrets(collect_mounted(checkout))

    def test_git_s_own_settings_do_not_go_along(self, checkout: Path, git: Git) -> None:
        git(checkout, "config", "remote.origin.url", f"https://{TOKEN}@github.com/a/b.git")

        refuse_mounted_secrets(collect_mounted(checkout))


def test_a_link_that_leads_out_is_in_the_list_but_not_in_the_archive(folder: Path) -> None:
    (folder / "in").mkdir()
    targets = {"a": "in/../in/x", "b": "/etc/passwd", "c": "..", "in/d": "../../x", "in/e": "../x"}
    for name, target in targets.items():
        (folder / name).symlink_to(target)

    tree = collect_mounted(folder)

    with tarfile.open(fileobj=io.BytesIO(b"".join(tree.stream()))) as archive:
        assert {each.name for each in archive if each.issym()} == {"a", "b", "in/e"}
    assert versions(tree.listing())[b"c"] == b"l.."
    assert versions(tree.listing())[b"in/d"] == b"l../../x"
