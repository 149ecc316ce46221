"""A context of a random tree is what plain git and both readings of the ignore file leave.

``OS2_TEST_SECONDS`` is how long all parts look for a difference together (in CI two minutes), and
``OS2_TEST_SEED`` where they begin: each day elsewhere, so that a failure can be repeated.
"""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from os2cli.snapshots.context import EntryKind, collect
from tests.trees import DOCKERFILE, Tree, known_to_git
from tests.unit.snapshots.context.ignore_readings import is_left_out

PARTS = 8
SEED = os.environ.get("OS2_TEST_SEED") or f"{datetime.now(UTC):%Y%m%d}"
SECONDS = float(os.environ.get("OS2_TEST_SECONDS") or 8) / PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_random_trees(tmp_path: Path, part: int) -> None:
    end = time.monotonic() + SECONDS
    for number in count():
        if number and time.monotonic() > end:
            break
        seed = f"{SEED}-{part}-{number}"
        compare(Tree(tmp_path / "tree", seed), seed)
        shutil.rmtree(tmp_path / "tree")


def compare(tree: Tree, seed: str) -> None:
    """Compare the context of a tree, to the byte of each name."""
    entries = collect(tree.root, Path("Dockerfile")).entries
    sent = {os.fsencode(e.path) for e in entries if e.kind is not EntryKind.FOLDER}

    expected = {
        path for path in known_to_git(tree.root) if not is_left_out(tree.ignore, os.fsdecode(path))
    } | {b"Dockerfile"}
    assert sent == expected, (seed, tree.steps, tree.ignore)


def test_a_seed_gives_the_same_tree(tmp_path: Path) -> None:
    """Else a failure of CI could not be repeated."""
    one, two = Tree(tmp_path / "one", "seed"), Tree(tmp_path / "two", "seed")

    assert (one.steps, one.ignore) == (two.steps, two.ignore)
    assert known_to_git(one.root) == known_to_git(two.root)


def test_every_kind_of_tree_is_tried(tmp_path: Path) -> None:
    """Steps that never work would compare nothing."""
    steps: set[str] = set()
    for number in range(40):
        tree = Tree(tmp_path / str(number), f"kinds-{number}")
        assert (tree.root / "Dockerfile").read_bytes() == DOCKERFILE
        steps |= {step.partition(" --")[0] for step in tree.steps}

    assert {"worktree", "partial", "clone", "sub folder", "plain", "sparse", "submodules"} <= steps
    assert {"conflict", "later", "repository", "in a submodule", "excluded"} <= steps
