"""A repository whose own ``.git`` is hostile: it runs no program, and shows no file from outside.

Each key that this git knows is set to a program, one repository at a time, and every git that os2
starts is run on it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from os2cli.core.errors import UsageError
from os2cli.host.git import _OFF, Subcommand, find_git, run_git
from os2cli.snapshots.context import collect
from tests.unit.snapshots.context.conftest import write

HOOKS = (
    "fsmonitor-watchman",
    "post-checkout",
    "post-index-change",
    "post-merge",
    "pre-auto-gc",
    "pre-commit",
    "query-watchman",
    "reference-transaction",
)
# A placeholder of `git help --config`, and the names that the repository below uses.
NAMES = {
    "<name>": "origin",
    "<remote>": "origin",
    "<driver>": "evil",
    "<tool>": "evil",
    "<url>": "https://example.invalid",
    "<pattern>": "evil",
    "<cmd>": "ls-files",
    "<format>": "openpgp",
    "<group>": "evil",
    "<alias>": "evil",
    "*": "ls-files",
}
# Not in that list, or with more than one form.
MORE_KEYS = (
    "alias.ls-files",
    "alias.check-ignore",
    "diff.evil.command",
    "diff.evil.textconv",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "merge.evil.driver",
    "pager.ls-files",
    "credential.https://example.invalid.helper",
    "remote.origin.uploadpack",
    "remote.origin.receivepack",
    "remote.origin.vcs",
    "remote.origin.proxy",
    "submodule.evil.update",
    "trailer.evil.command",
    "trailer.evil.cmd",
    "hook.evil.command",
    "core.sshCommand",
    "core.gitProxy",
)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@cache
def keys() -> tuple[str, ...]:
    """Every key that this git knows, and a few that it does not list."""
    listed = subprocess.run(["git", "help", "--config"], capture_output=True, text=True).stdout
    found = []
    for line in listed.splitlines():
        key = line.strip()
        for placeholder, name in NAMES.items():
            key = key.replace(placeholder, name)
        key = re.sub(r"<[^>]*>", "evil", key)
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(\.\S+)?\.[A-Za-z][A-Za-z0-9-]*", key):
            found.append(key)
    return tuple(dict.fromkeys((*MORE_KEYS, *found)))


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """Return what only a program of the repository makes."""
    return tmp_path / "ran"


@pytest.fixture
def program(tmp_path: Path, marker: Path) -> Path:
    """A program that leaves the marker."""
    path = write(tmp_path / "bin", {"evil": f"#!/bin/sh\ntouch {marker}\n"}) / "evil"
    path.chmod(0o755)
    return path


@pytest.fixture
def hostile(tmp_path: Path, program: Path) -> Path:
    """A repository with a missing tree in its sparse index, a promisor remote, hooks, drivers."""
    root = write(
        tmp_path / "hostile",
        {
            "Dockerfile": "FROM scratch\n",
            ".gitattributes": "* filter=evil diff=evil merge=evil\n",
            "kept/a": "1",
            "gone/b": "1",
        },
    )
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    tree = git(root, "rev-parse", "HEAD:gone").strip()
    git(root, "sparse-checkout", "set", "--cone", "--sparse-index", "kept")
    (root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(root),
        "remote.origin.promisor": "true",
    }.items():
        git(root, "config", key, value)
    for name in HOOKS:
        shutil.copy(program, root / ".git/hooks" / name)
    write(root, {"kept/a": "changed", "new": "1"})
    return root


def run_all(root: Path) -> None:
    """Run every git that os2 starts, in the order and with the settings of os2."""
    program = find_git(os.environ)
    assert program
    calls: tuple[tuple[Subcommand, tuple[str, ...]], ...] = (
        ("ls-files", ("-z", "--stage")),
        ("ls-files", ("-z", "--others", "--exclude-standard")),
        ("check-ignore", ("--quiet", ".")),
        ("rev-parse", ("--show-toplevel",)),
        ("version", ()),
        ("symbolic-ref", ("--quiet", "HEAD")),
        ("for-each-ref", ("--merged=HEAD", "--format=%(objectname) %(refname)", "refs/tags/")),
        ("ls-tree", ("-r", "-z", "--name-only", "HEAD")),
        ("rev-list", ("--max-parents=0", "HEAD")),
        ("pack-objects", ("--revs", "--quiet", "--missing=allow-promisor", "--stdout")),
    )
    tips = root.parent / "tips"
    tips.write_text("HEAD\n")
    for subcommand, arguments in calls:
        run_git(program, root, subcommand, *arguments, environ=os.environ, seconds=30, stdin=tips)


def configure(root: Path, key: str, value: str) -> bool:
    """Add a key to the repository's own settings; return whether git takes it."""
    command = ["git", "config", "--file", str(root / ".git/config"), "--add", key, value]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_no_key_of_a_repository_s_configuration_runs_a_program(
    hostile: Path, program: Path, marker: Path
) -> None:
    settings = hostile / ".git/config"
    before = settings.read_bytes()
    ran = []
    for key in keys():
        for value in (str(program), f"!{program}")[: 2 if key in MORE_KEYS else 1]:
            settings.write_bytes(before)
            if configure(hostile, key, value):
                run_all(hostile)
            if marker.exists():
                ran.append(f"{key}={value}")
                marker.unlink()

    assert len(keys()) > 300
    assert ran == []


def test_the_attacks_of_this_test_work_on_a_git_without_protection(
    hostile: Path, program: Path, marker: Path
) -> None:
    """What is tested above is worth something: a plain git runs the program."""
    configure(hostile, "remote.origin.uploadpack", str(program))
    subprocess.run(["git", "ls-files"], cwd=hostile, capture_output=True)
    assert marker.exists()
    marker.unlink()
    configure(hostile, "core.fsmonitor", str(program))
    subprocess.run(["git", "ls-files", "-m"], cwd=hostile, capture_output=True)
    assert marker.exists()


def test_a_missing_tree_is_an_error_of_the_build_and_fetches_nothing(
    hostile: Path, program: Path, marker: Path
) -> None:
    for url in ("/tmp", "ext::sh -c :% touch", "ssh://h/x", "https://127.0.0.1:1/x", str(hostile)):
        configure(hostile, "remote.origin.url", url)
    for protocol in ("allow", "file.allow", "ext.allow", "ssh.allow"):
        configure(hostile, f"protocol.{protocol}", "always")
    configure(hostile, "remote.origin.uploadpack", str(program))
    configure(hostile, "core.sshCommand", str(program))

    with pytest.raises(UsageError, match="git cannot list the files"):
        collect(hostile, Path("Dockerfile"))

    assert not marker.exists()


def test_a_git_in_the_repository_is_not_started(
    hostile: Path, program: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(program, hostile / "git")
    monkeypatch.chdir(hostile)
    for path in (f".:{os.environ['PATH']}", f":{os.environ['PATH']}", f"./:{os.environ['PATH']}"):
        monkeypatch.setenv("PATH", path)
        run_all(hostile)
    assert not marker.exists()


def test_a_bare_repository_inside_is_not_read(tmp_path: Path) -> None:
    """It would bring its own configuration, and is only a directory to git of the one around it."""
    outer = write(tmp_path / "outer", {"Dockerfile": "FROM scratch\n"})
    git(outer, "init", "-q")
    git(outer, "init", "-q", "--bare", "inner")
    git(outer / "inner", "config", "core.bare", "false")
    git(outer / "inner", "config", "core.worktree", str(tmp_path))
    write(outer / "inner", {"Dockerfile": "FROM scratch\n"})

    with pytest.raises(UsageError, match="bare repository, not a work tree"):
        collect(outer / "inner", Path("Dockerfile"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
@pytest.mark.parametrize("form", ["file", "link"])
def test_a_git_file_that_leads_to_another_user_s_repository_is_rejected(
    tmp_path: Path, hostile: Path, program: Path, marker: Path, form: str
) -> None:
    configure(hostile, "core.worktree", str(tmp_path / "mine"))
    configure(hostile, "remote.origin.uploadpack", str(program))
    for place in (hostile, *hostile.rglob("*")):
        os.chown(place, 12345, 12345)
    mine = write(tmp_path / "mine", {"Dockerfile": "FROM scratch\n"})
    if form == "file":
        (mine / ".git").write_text(f"gitdir: {hostile}/.git\n")
    else:
        (mine / ".git").symlink_to(hostile / ".git")

    # Git checks the owner of a link itself, which is mine.
    with pytest.raises(UsageError, match="git cannot list the files") as raised:
        collect(mine, Path("Dockerfile"))

    assert form == "link" or "safe.directory" in (raised.value.hint or "")
    assert not marker.exists()


@pytest.mark.parametrize(
    "path", ["../out", "a/../../out", ".git/config", "sub/.GIT/config", "/out", "a//b", "a/./b"]
)
def test_an_index_that_names_a_file_outside_is_rejected(tmp_path: Path, path: str) -> None:
    (tmp_path / "out").write_text("secret")
    root = write(tmp_path / "root", {"Dockerfile": "FROM scratch\n", "a/b": "1"})
    git(root, "init", "-q")
    name = "x" * len(path)
    blob = git(root, "hash-object", "-w", "Dockerfile").strip()
    git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    index = root / ".git/index"
    content = index.read_bytes()[:-20].replace(name.encode(), path.encode())
    index.write_bytes(content + hashlib.sha1(content, usedforsecurity=False).digest())

    with pytest.raises(UsageError, match="outside of its files"):
        collect(root, Path("Dockerfile"))


def test_what_git_prints_has_a_limit(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = write(tmp_path / "fake", {"git": "#!/bin/sh\nexec cat /dev/zero\n"}) / "git"
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("os2cli.host.git._MAX_OUTPUT_BYTES", 1_000_000)
    with pytest.raises(UsageError, match="too many files"):
        collect(hostile, Path("Dockerfile"))


def test_submodules_may_be_nested_deeply(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"Dockerfile": "FROM scratch\n"})
    git(root, "init", "-q")
    deep = root
    for _ in range(60):
        inner = deep / "m"
        inner.mkdir()
        git(inner, "init", "-q")
        empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        git(deep, "update-index", "--add", "--cacheinfo", f"160000,{empty},m")
        deep = inner
    write(deep, {"bottom": "1"})

    paths = {entry.path for entry in collect(root, Path("Dockerfile")).entries}

    assert "m/" * 60 + "bottom" in paths


def test_the_sandbox_s_git_has_the_same_settings_off() -> None:
    """On a machine of processes it runs on the host."""
    source = (Path(__file__).parents[3] / "sandbox/lib/git.ts").read_text()
    there = dict(re.findall(r'^ {2}"([a-zA-Z0-9.]+)": "?([^",]*)"?,$', source, re.MULTILINE))

    assert there | {"core.hooksPath": os.devnull} == _OFF
    assert 'GIT_NO_LAZY_FETCH: "1"' in source
    assert 'GIT_ALLOW_PROTOCOL: "none"' in source
