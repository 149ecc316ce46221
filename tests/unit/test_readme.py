"""README and code agree: commands, exit codes, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
import typer

from os2cli import errors
from os2cli.commands import build_app
from os2cli.settings import (
    DEFAULT_IMAGE,
    ENGINE_VARIABLES,
    OPTIONS,
    STAGE_VARIABLES,
    TERMINAL_VARIABLES,
)

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that begins with this heading."""
    table = README[README.index(f"| {heading} |") :].split("\n\n")[0]
    lines = [line.replace("\\|", "/") for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command that help shows."""
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield " ".join((*path, name))


def test_every_command_is_in_the_table_and_no_other() -> None:
    documented = {
        " ".join(takewhile(re.compile("[a-z-]+").fullmatch, row[0].strip("`").split()[1:]))
        for row in ([cell.split("`, `")[0] for cell in row] for row in rows("command"))
    }

    assert documented == set(commands(typer.main.get_command(build_app())))


@pytest.mark.parametrize(
    "error",
    [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.Os2Error)],
    ids=lambda error: str(error.__name__),
)
def test_every_exit_code_is_in_the_table(error: type[errors.Os2Error]) -> None:
    assert str(error.exit_code) in [row[0] for row in rows("exit code")]


def test_every_setting_is_in_the_table_with_its_key_and_variable() -> None:
    table = rows("variable")
    first_cells = " ".join(row[0] for row in table)
    for option in OPTIONS:
        (row,) = [row for row in table if f"`{option.variable}`" in row[0]]
        assert row[1] == f"`{option.key}`"
    for variable in (*STAGE_VARIABLES[:2], *ENGINE_VARIABLES[:2], "CI", "NO_COLOR", "OS2_NO_INPUT"):
        assert f"`{variable}`" in first_cells
    assert set(TERMINAL_VARIABLES) - {"TERM"} <= set(re.findall(r"[A-Z0-9_]+", first_cells))
    assert f"`{DEFAULT_IMAGE}`" in README


def test_the_two_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text()

    first, second = re.findall(r"^(bin/\S+[^#\n]*?) +#", README, re.MULTILINE)[:2]

    assert first.replace(" up ", " up ci ") in ci
    assert f"time {second}\n" in ci


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "sandbox/README.md"]
)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not target.startswith("https://"):
            assert (path.parent / target).exists(), target
