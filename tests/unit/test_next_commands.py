"""Every command that os2 tells its user to run is one that it takes.

They are found in the source, wherever a text names one; what is filled in later stands for itself.
Those that answer a question are run as they are printed, in ``tests/cli``.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from os2cli.commands import build_app
from os2cli.settings.invocation import Invocation

PACKAGE = Path(__file__).parents[2] / "os2cli"
FILLED_IN = "FILLED-IN"
# From the first word that is a command of os2 to what can't belong to it any more.
COMMAND = re.compile(r"\bos2 ([a-z][^;,`\n()]*)")
# Behind a command that is the subject of a sentence.
PREDICATE = re.compile(r" (shows|looks|checks|prints|helps|does|is|works|takes|has|lists)\b.*")
# Words in the examples that stand for something of the user's.
PLACEHOLDERS = re.compile(
    r"^(NAME|N|TIME|SECONDS|STAGE|FILE|FILE\.\.\.|FOLDER|TYPE|SHELL|COMMAND)$"
)
VALUES = {"N": "3", "TIME": "30m", "SECONDS": "60", "TYPE": "daytona", "SHELL": "bash"}


def texts(node: ast.AST) -> Iterator[str]:
    """Every text of a module, with a word for what is filled in; docstrings of help included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr):
            parts = (
                str(part.value) if isinstance(part, ast.Constant) else FILLED_IN
                for part in child.values
            )
            yield "".join(parts)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        else:
            yield from texts(child)


def printed_commands() -> Iterator[tuple[str, str]]:
    """The file, and the command line behind ``os2``."""
    top = set(build_app().commands)
    for path in sorted(PACKAGE.rglob("*.py")):
        for text in texts(ast.parse(path.read_text())):
            for found in COMMAND.finditer(text):
                line = re.split(r"  +|\s[|&<>#]| and | or | first\b|: ", found[1])[0]
                line = PREDICATE.sub("", line).strip().rstrip(".:'\"").replace("…", "1")
                if line.split()[0] in top:
                    yield str(path.relative_to(PACKAGE)), line


CASES = sorted(set(printed_commands()))


def words_of(line: str) -> list[str]:
    """The arguments, with values for what a person fills in."""
    line = line.replace(f"--type {FILLED_IN}", "--type TYPE")
    line = line.replace(f"--for {FILLED_IN}", "--for stopped")
    line = line.replace(f"--isolation {FILLED_IN}", "--isolation off")
    words = shlex.split(re.sub(r"\$\([^)]*\)", "x", line.replace("'", "")))
    return [VALUES.get(word, "some") if PLACEHOLDERS.fullmatch(word) else word for word in words]


def parse(group: Any, words: list[str], path: str = "os2") -> None:
    """Parse as the command line would, and run nothing; raises what the parser refuses."""
    if not words:
        return  # it is only spoken of
    if not getattr(group, "commands", None):
        group.make_context(path, words, obj=Invocation())
        return
    name, *rest = words
    if name == FILLED_IN:
        return  # one of several, which the code chooses by their names
    assert name in group.commands, f"{path} has no command {name}"
    parse(group.commands[name], rest, f"{path} {name}")


@pytest.mark.parametrize(("file", "line"), CASES, ids=str)
def test_it_is_one_that_the_command_line_takes(file: str, line: str) -> None:
    parse(build_app(), words_of(line))


def test_there_are_many() -> None:
    """Else the search would have lost sight of them."""
    assert len(CASES) > 100
