"""A machine that works on a copy of a directory of the host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import REPOSITORY, Sandbox, write_files

pytestmark = pytest.mark.engine

STEP = "entry: repository: "


def tree(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return the mode, time and content of everything in a directory."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        held = str(path.readlink()) if path.is_symlink() else ""
        held = path.read_text(errors="replace") if path.is_file() else held
        found[str(path.relative_to(folder))] = (stat.st_mode, stat.st_mtime_ns, held)
    return found


def make_git_checkout(folder: Path) -> None:
    identity = ["-c", "user.name=me", "-c", "user.email=me@localhost"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def read(sandbox: Sandbox, name: str) -> str:
    return sandbox.read(f"{REPOSITORY}/{name}")


def has(sandbox: Sandbox, name: str) -> bool:
    return sandbox.has(f"{REPOSITORY}/{name}")


@pytest.mark.parametrize("is_checkout", [True, False], ids=["checkout", "plain-folder"])
def test_each_start_copies_what_has_changed(
    run_sandbox: RunSandbox, checkout: Path, is_checkout: bool
) -> None:
    files = {"changed.txt": "old", "deleted.txt": "x", "deep/er/deleted.txt": "x", "same.txt": "x"}
    write_files(checkout, files)
    if is_checkout:
        make_git_checkout(checkout)
    sandbox = run_sandbox(mount=checkout)
    assert read(sandbox, "changed.txt") == "old"
    sandbox.write(f"{REPOSITORY}/machine.txt", "the machine's own")

    write_files(checkout, {"changed.txt": "new", "a new/one ü.txt": "new"})
    (checkout / "deleted.txt").unlink()
    (checkout / "deep/er/deleted.txt").unlink()
    sandbox.restart().wait_until_healthy()

    assert read(sandbox, "changed.txt") == "new"
    assert read(sandbox, "a new/one ü.txt") == "new"
    assert read(sandbox, "same.txt") == "x"
    assert read(sandbox, "machine.txt") == "the machine's own"
    assert not has(sandbox, "deleted.txt")
    assert not has(sandbox, "deep")
    _, line = sandbox.lines(STEP)
    assert line.startswith(f"{STEP}synced /mnt/repo: 3 files, 2 copied, 2 removed (")


def test_the_image_s_copy_is_replaced(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, {"file.txt": "x"})

    sandbox = run_sandbox(mount=checkout)

    assert has(sandbox, "file.txt")
    assert not has(sandbox, "sandbox")


def test_the_host_s_directory_is_not_changed(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, {"file.txt": "x", "run.sh": "#!/bin/sh\n"})
    make_git_checkout(checkout)
    before = tree(checkout)

    sandbox = run_sandbox(mount=checkout)
    sandbox.write(f"{REPOSITORY}/file.txt", "the machine's own")
    sandbox.restart().wait_until_healthy()

    assert tree(checkout) == before
    assert not sandbox.succeeds("touch", "/mnt/repo/x")


def test_changes_of_the_machine_are_kept_and_named(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, {"both.txt": "host", "file.txt": "host", "other.txt": "host"})
    sandbox = run_sandbox(mount=checkout)
    sandbox.write(f"{REPOSITORY}/file.txt", "the machine's own")
    sandbox.write(f"{REPOSITORY}/both.txt", "the machine's own")
    sandbox.output("rm", f"{REPOSITORY}/other.txt")
    write_files(checkout, {"both.txt": "changed"})

    sandbox.restart().wait_until_healthy()

    assert read(sandbox, "file.txt") == read(sandbox, "both.txt") == "the machine's own"
    assert not has(sandbox, "other.txt")
    assert sandbox.lines(STEP)[-1].startswith(
        f"{STEP}synced /mnt/repo: 3 files, 0 copied, 0 removed; "
        "kept as changed in the machine: file.txt, other.txt; "
        "kept the machine's, changed on the host as well: both.txt ("
    )


def test_a_change_of_the_same_size_within_a_second_is_seen(
    run_sandbox: RunSandbox, checkout: Path
) -> None:
    write_files(checkout, {"file.txt": "one"})
    os.utime(checkout / "file.txt", ns=(10**18, 10**18))
    sandbox = run_sandbox(mount=checkout)

    write_files(checkout, {"file.txt": "two"})
    os.utime(checkout / "file.txt", ns=(10**18, 10**18 + 300_000_000))
    sandbox.restart().wait_until_healthy()

    assert read(sandbox, "file.txt") == "two"


def test_ignored_files_dependencies_and_git_s_own_stay_on_the_host(
    run_sandbox: RunSandbox, checkout: Path
) -> None:
    write_files(checkout, {".gitignore": "*.log\n.env\n", "file.txt": "x"})
    make_git_checkout(checkout)
    write_files(checkout, {".env": "x", "a.log": "x", "untracked.txt": "x"})
    write_files(checkout, {".git/secret": "x"})

    sandbox = run_sandbox(mount=checkout)

    assert has(sandbox, "untracked.txt")
    assert [name for name in (".env", "a.log", ".git") if has(sandbox, name)] == []


def test_links_and_modes_are_kept(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, {"run.sh": "#!/bin/sh\necho ran\n", "plain.txt": "x"})
    (checkout / "link").symlink_to("plain.txt")
    (checkout / "dangling").symlink_to("/nowhere")

    sandbox = run_sandbox(mount=checkout)

    assert sandbox.output(f"{REPOSITORY}/run.sh") == "ran"
    names = [f"{REPOSITORY}/{name}" for name in ("plain.txt", "link", "dangling")]
    said = sandbox.output("stat", "-c", "%A %U %N", *names).splitlines()
    assert said[0].startswith("-rw-r--r-- node ")
    assert said[1].endswith("-> 'plain.txt'")
    assert said[2].endswith("-> '/nowhere'")


@pytest.mark.parametrize("first", ["file", "folder"])
def test_a_file_may_become_a_directory_and_back(
    run_sandbox: RunSandbox, checkout: Path, first: str
) -> None:
    shapes = {"file": {"thing": "x"}, "folder": {"thing/inner.txt": "x"}}
    write_files(checkout, shapes[first])
    sandbox = run_sandbox(mount=checkout)
    subprocess.run(["rm", "-r", str(checkout / "thing")], check=True)
    (second,) = (shape for name, shape in shapes.items() if name != first)

    write_files(checkout, second)
    sandbox.restart().wait_until_healthy()

    (name,) = second
    assert read(sandbox, name) == "x"


def test_an_unreadable_mount_is_reported(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, {"file.txt": "x"})
    checkout.chmod(0)

    sandbox = run_sandbox(wait=False, mount=checkout)

    assert sandbox.wait_until_ended() == 1
    (line,) = sandbox.logs().splitlines()
    assert line.startswith("entry: step repository failed: ")
    assert "/mnt/repo" in line
