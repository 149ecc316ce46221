"""The automaton answers as a backtracking engine does, in time that grows with the path."""

from __future__ import annotations

import re
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.snapshots.context import dockerignore, patterns
from os2cli.snapshots.context.automaton import AtomKind, Automaton
from os2cli.snapshots.context.dockerignore import read_dockerignore

ITEMS = st.sampled_from(
    [
        *("a", "b", "/", "*", "**", "**/", "/**", "?", ".", "^", "-", "]"),
        *(r"\d", r"\w", r"\W", r"\s", r"\S", r"\D", r"\b", r"\B", r"\A", r"\z", r"\*", r"\n"),
        *("[ab]", "[^a]", "[*]", "[?]", "[**/]", "[a*]", "[.]", "[a-c]", "[[:alpha:]]", r"[\w]"),
    ]
)
PATTERNS = st.lists(ITEMS, min_size=1, max_size=9).map("".join)
PATHS = st.text("ab/.^-*\n _1é\udce9", min_size=1, max_size=12)


@settings(max_examples=400, deadline=None)
@given(pattern=PATTERNS, paths=st.lists(PATHS, min_size=1, max_size=4))
@example(pattern="*[^a]*b", paths=["x/b", "a/b"])
@example(pattern="a**/b", paths=["a\n/b", "a/b", "ab"])
def test_the_answers_are_those_of_a_backtracking_engine(pattern: str, paths: list[str]) -> None:
    _, expression = patterns._go_expression(pattern)
    try:
        atoms = list(patterns.atoms(expression))
        automaton = Automaton(atoms)
    except (ValueError, IndexError, re.error):
        return
    many = {AtomKind.MANY: "*"}
    oracle = re.compile("".join(atom.text + many.get(atom.kind, "") for atom in atoms), re.ASCII)
    for path in paths:
        assert automaton.matches(path) == bool(oracle.fullmatch(path)), (pattern, path)


# Everything that repeats, between everything that a path is full of.
FREEZING = [
    "/".join([first + wild] * 12) if is_path else (first + wild) * 30 + last
    for first, wild, is_path, last in product(
        ["a", "?", "[ab]", "[^b]"], ["*", "**", "*?", "**/"], [True, False], ["b", "/c", r"\d"]
    )
]
FREEZING += ["a" + "/**" * 60 + "/b", "**/" * 80 + "b", "*" * 500 + "b", "[a*]" * 60 + "b"]
LONG_PATHS = ["a" * 250, "a/" * 125 + "a", "ab" * 125, "/".join(["a" * 250] * 15)]


@pytest.mark.parametrize("path", LONG_PATHS)
def test_no_pattern_freezes(tmp_path: Path, path: str) -> None:
    (tmp_path / ".dockerignore").write_text("\n".join(FREEZING))

    start = time.process_time()
    read_dockerignore(tmp_path, "Dockerfile").excludes(path)

    assert time.process_time() - start < 10


def test_the_work_grows_with_the_path_only() -> None:
    """Steps are counted, not seconds: one for each character that is new in its state."""
    automaton = Automaton(patterns.atoms(patterns._go_expression("*a" * 30 + "b")[1]))
    automaton.matches("a" * 4000)
    assert len(automaton._next) <= 4000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\n" * (dockerignore.MAX_RULES + 1), "more than 2,000 patterns"),
        ("a" * (patterns.MAX_CHARACTERS + 1), "longer than 1000 characters"),
        ("# " + "a" * 2_000_000, "larger than"),
    ],
)
def test_too_many_patterns_are_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / ".dockerignore").write_text(content)
    with pytest.raises(UsageError, match=message) as raised:
        read_dockerignore(tmp_path, "Dockerfile")
    assert len(raised.value.message) < 300
