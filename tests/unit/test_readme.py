"""README and code agree: commands, exit codes, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from os2cli.commands import build_app
from os2cli.core.errors import exit_codes
from os2cli.settings.describe import declared_variables

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

    assert documented == set(commands(build_app()))


def words(cell: str) -> str:
    """What a cell says, however it is set."""
    return cell.replace("`", "")


def test_the_exit_codes_are_those_of_the_code_and_mean_the_same() -> None:
    documented = {int(row[0]): words(row[1]) for row in rows("exit code")}

    assert documented == exit_codes()


def test_the_settings_are_those_of_the_code_and_said_with_the_same_words() -> None:
    documented = [[words(cell) for cell in row] for row in rows("variable")]

    assert documented == [
        [declared.variable, declared.key or "", declared.help, declared.default]
        for declared in declared_variables()
    ]


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
