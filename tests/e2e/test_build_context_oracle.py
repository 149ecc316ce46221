"""os2 sends what Docker's own CLI sends, and engines unpack its stream.

The oracle is ``docker build`` with the classic builder, because its images can be listed without
a registry. The one known difference from BuildKit has its own test.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from os2cli.core.errors import UsageError
from os2cli.snapshots.context import EntryKind, collect
from tests.engine import engine_endpoint
from tests.trees import Tree, known_to_git
from tests.unit.snapshots.context.ignore_readings import is_left_out

pytestmark = pytest.mark.engine

RANDOM_TREES = 12
Files = dict[str, tarfile.TarInfo]
Build = Callable[..., Files]

FILES = (
    "a/b/c.go",
    "a/b/keep",
    "a/b/ab/foo",
    "a/x.md",
    "ab/x.md",
    "b",
    "README.md",
    "x.md",
    "z.x.md",
    "#h",
    "!n",
    "[x]",
    "a+b",
    "a^b",
    "a b",
    "d1",
    "é",
    "node_modules/m/i.js",
    "p/q/node_modules/m/i.js",
    "p/.env",
    ".env",
    "Dockerfile.old",
)

CASES = {
    "parent": "a",
    "slashes": "/a/b/\n./b/.",
    "dots": "z/../a//b\n../x.md\n..\n.",
    "root": "/",
    "everything": "*",
    "everything but": "*\n!a/b/keep\n!x.md",
    "double star": "**\n!b",
    "any depth": "**/node_modules\n**/.env",
    "one star stays in its folder": "*.md\n*/b/*",
    "star star in the middle": "a/**/foo",
    "prefix star star": "a**",
    "star star suffix": "**b",
    "three stars": "***.md",
    "question mark": "a?\n?",
    "class": "[a-b]\n[!r]EADME.md",
    "negated class": "[^a]",
    "class name": "[[:alpha:]]",
    "star in class": "[*]x.md",
    "escapes": "\\[x]\n\\#h\n\\!n\nd\\d",
    "caret": "a^b\n?^b",
    "literal signs": "a+b\n[x]\n(a)\n$",
    "comment": "#h\n # not a comment\n#!b",
    "indented comment": " #h",
    "blanks": "  a/b \t\n\n   \n! a/b/keep ",
    "crlf and mark": "\ufeffb\r\n*.md\r\n!README.md\r\n",
    "mark on a later line": "b\n\ufeffx.md",
    "order": "!README.md\n*.md\n!x.md\nx.md",
    "back below an excluded folder": "a\n!a/b\na/b/keep",
    "slash before the sign": "*.md\n/!README.md",
    "own names": ".dockerignore",
    "dockerfile": "Dockerfile*",
    "not ascii": "\u00e9\n\u00a0x.md\u2003",
}

REFUSED = ["[", "a\n!", "[]a]", "!/", "\\", "x[-a]", "[z-a]", "b\\y"]


@pytest.fixture
def docker() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the ``docker`` command."""
    environment = {**os.environ, "DOCKER_HOST": engine_endpoint().url, "DOCKER_BUILDKIT": "0"}

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            ["docker", *arguments],
            env=environment,
            capture_output=True,
            timeout=60,
            **options,
        )

    return run


@pytest.fixture
def tag(docker: Callable[..., subprocess.CompletedProcess[bytes]]) -> Iterator[str]:
    """Return the name of an image that is removed afterwards."""
    name = f"ctx-{uuid.uuid4().hex[:12]}"
    yield name
    docker("image", "rm", "--force", name)


@pytest.fixture
def build(docker: Callable[..., subprocess.CompletedProcess[bytes]], tag: str) -> Build:
    """Build a directory or a tar, and return what ``COPY . /context/`` copied."""

    def run(root: Path | None, stream: bytes = b"") -> Files:
        done = docker("build", "--tag", tag, str(root) if root else "-", input=stream)
        assert done.returncode == 0, done.stderr.decode()
        container = docker("create", tag, "none").stdout.decode().strip()
        try:
            exported = docker("export", container).stdout
        finally:
            docker("rm", container)
        with tarfile.open(fileobj=io.BytesIO(exported), errors="surrogateescape") as tar:
            return {
                member.name.removeprefix("context/"): member
                for member in tar
                if member.name.startswith("context/")
            }

    return run


def plant(root: Path, ignore: str) -> Path:
    for path in FILES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /context/\n")
    (root / ".dockerignore").write_text(ignore, newline="")
    return root


def sent(root: Path) -> set[str]:
    entries = collect(root, Path("Dockerfile")).entries
    return {entry.path for entry in entries if entry.kind is not EntryKind.FOLDER}


def files(exported: Files) -> set[str]:
    return {name for name, member in exported.items() if not member.isdir()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A separate directory: ``tmp_path`` has the home of the test."""
    folder = tmp_path / "context"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("case", CASES)
def test_same_files_as_the_docker_command(root: Path, build: Build, case: str) -> None:
    plant(root, CASES[case])
    # Docker hides an ignored Dockerfile from COPY; a tar cannot express that.
    assert sent(root) == files(build(root)) | {"Dockerfile"}


def test_exception_with_a_wildcard_brings_back_files_as_in_buildkit(
    root: Path, build: Build
) -> None:
    plant(root, "*\n!**/keep\n!b")
    assert files(build(root)) == {"b"}
    assert sent(root) == {"b", "a/b/keep", "Dockerfile"}


def test_what_only_the_walk_of_docker_sends_stays_here(root: Path, build: Build) -> None:
    plant(root, "*\n!a/b\na")
    assert files(build(root)) >= sent(root) - {"Dockerfile"} == set()


@pytest.mark.parametrize("ignore", REFUSED)
def test_what_docker_rejects_is_rejected(
    root: Path,
    docker: Callable[..., subprocess.CompletedProcess[bytes]],
    ignore: str,
) -> None:
    plant(root, ignore)
    assert docker("build", str(root)).returncode != 0
    with pytest.raises(UsageError, match="invalid pattern"):
        sent(root)


def test_engine_unpacks_our_stream(root: Path, build: Build) -> None:
    plant(root, "*.md")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o700)
    (root / ("n" * 120)).symlink_to("t" * 120)
    (root / os.fsdecode(b"caf\xe9")).touch()
    (root / "empty").mkdir(mode=0o700)
    context = collect(root, Path("Dockerfile"))
    exported = build(None, b"".join(context.stream()))
    assert {
        name: (member.mode & 0o7777, member.size, member.linkname or None)
        for name, member in exported.items()
    } == {entry.path: (entry.mode, entry.size, entry.target) for entry in context.entries}


def test_random_trees_arrive_as_git_knows_them(tmp_path: Path, build: Build) -> None:
    """What a builder sees of a stream of ours is plain git's answer, less the ignore file."""
    day = os.environ.get("OS2_TEST_SEED", "1")
    for number in range(RANDOM_TREES):
        tree = Tree(tmp_path / str(number), f"{day}-engine-{number}")
        context = collect(tree.root, Path("Dockerfile"))

        arrived = {os.fsencode(name) for name in files(build(None, b"".join(context.stream())))}

        left = {p for p in known_to_git(tree.root) if not is_left_out(tree.ignore, os.fsdecode(p))}
        assert arrived == left | {b"Dockerfile"}, (day, number, tree.steps, tree.ignore)
