"""os2 sends only what both readings of Docker's rules send."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from os2cli.snapshots.context import EntryKind, collect
from os2cli.snapshots.context.dockerignore import read_dockerignore
from tests.unit.snapshots.context.ignore_readings import (
    excluded_as_documented,
    excluded_on_a_walk,
    is_left_out,
)

# Few names, so that patterns meet paths.
NAMES = ("a", "b", "secrets", "key.py", "x.md", "ab")
PARTS = st.sampled_from([*NAMES, "*", "**", "?", "*.py", "*.md", "a*", "*b", "?b"])
LINES = st.builds(
    lambda sign, parts, end: f"{sign}{'/'.join(parts)}{end}",
    st.sampled_from(["", "", "!"]),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", "", "/"]),
).filter(lambda line: "**/**" not in line)
IGNORE_FILES = st.lists(LINES, max_size=6).map("\n".join)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join)


@settings(max_examples=500, deadline=None)
@given(text=IGNORE_FILES, paths=st.lists(PATHS, min_size=1, max_size=8))
@example("*\n!**/*.py\n**/secrets", ["secrets/key.py", "a/secrets/b/key.py", "a/key.py"])
@example("*\n!a/b\na", ["a/b", "a/b/x.md"])
@example("a\n!a/b\n**/secrets", ["a/secrets/key.py", "a/b/secrets/key.py"])
@example("**/a\n!b\n!a/b\na", ["a/b/x.md", "b/a/x.md"])
def test_what_either_reading_leaves_out_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, text: str, paths: list[str]
) -> None:
    root = tmp_path_factory.getbasetemp() / "readings"
    root.mkdir(exist_ok=True)
    (root / ".dockerignore").write_text(text)
    ignore = read_dockerignore(root, "Dockerfile")

    for path in paths:
        assert ignore.excludes(path) is is_left_out(text, path), (text, path)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=IGNORE_FILES, paths=st.sets(PATHS, max_size=10))
def test_a_walk_that_skips_directories_sends_the_same(
    tmp_path: Path, text: str, paths: set[str]
) -> None:
    root = tmp_path / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / ".dockerignore").write_text(text)
    made: set[str] = set()
    for path in sorted(paths):
        if (
            not any((root / above).is_file() for above in Path(path).parents)
            and not (root / path).exists()
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x")
            made.add(path)

    sent = {
        entry.path
        for entry in collect(root, Path("Dockerfile")).entries
        if entry.kind is not EntryKind.FOLDER
    } - {"Dockerfile", ".dockerignore"}

    assert sent == {path for path in made if not is_left_out(text, path)}


def test_the_readings_differ() -> None:
    """Else the tests here would compare os2 with itself."""
    text = "*\n!**/*.py\n**/secrets"

    assert excluded_as_documented(text, "secrets/key.py")
    assert not excluded_on_a_walk(text, "secrets/key.py")
    assert not is_left_out(text, "a/key.py")
