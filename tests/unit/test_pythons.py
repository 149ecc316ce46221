"""The package on every Python that the suite runs on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import os2cli

SOURCES = sorted(Path(os2cli.__file__).parent.rglob("*.py"))
# Before Python 3.11.5 (Debian 12 has 3.11.2), a group that is repeated without backtracking may
# match what it does not: `re.match("(?:ab?c)++", "aca")` takes all three characters. A repeated
# character or class is right.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")


def texts(source: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            value = node.value
            yield node.lineno, value if isinstance(value, str) else value.decode("latin-1")


def test_no_group_is_repeated_possessively() -> None:
    wrong = [
        f"{source.name}:{line}"
        for source in SOURCES
        for line, text in texts(source)
        if POSSESSIVE_GROUP.search(text)
    ]

    assert wrong == []


@pytest.mark.parametrize("text", ["(?:ab?c)++", "(a|b)*+", "(?:[a-z]|%2){38,}+", "(x)?+"])
def test_a_group_of_this_kind_is_found(text: str) -> None:
    assert POSSESSIVE_GROUP.search(text)


@pytest.mark.parametrize("text", ["[^a]*+", r"\)++", "a++", "(a)+", "(a){2}"])
def test_others_are_not(text: str) -> None:
    assert not POSSESSIVE_GROUP.search(text)


IMPORT_ALL = """
import importlib, pkgutil, warnings, os2cli
warnings.filterwarnings("error", module="os2cli")
names = [found.name for found in pkgutil.walk_packages(os2cli.__path__, "os2cli.")]
assert len(names) > 300, names
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
"""


def test_every_module_is_imported_without_a_warning() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
