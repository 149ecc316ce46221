"""The documents agree with the code, and what they point to exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from docs import generate
from os2cli.core.errors import exit_codes
from os2cli.settings.describe import declared_variables
from tests.command_tree import command_line, shown_commands

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    check=True,
    capture_output=True,
    text=True,
).stdout.split("\0")
PATHS = [f"/{name}" for name in FILES if name and (ROOT / name).exists()]
DOCUMENTS = sorted(name for name in FILES if name.endswith(".md"))
# Their paths are of this project; a sandbox's and a user's files are other ones.
ABOUT_THE_CODE = (
    "AGENTS.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/flows.md",
    "docs/style.md",
    *(name for name in DOCUMENTS if name.startswith("docs/decisions/")),
)
FOREIGN_FILES = {"os2.toml"}


def test_every_generated_file_is_as_the_code_says() -> None:
    stale = [
        str(path)
        for path, text in generate.generated_files().items()
        if not (ROOT / path).exists() or (ROOT / path).read_text() != text
    ]

    assert stale == [], "run: nox -s docs"


def test_every_command_has_a_page_and_no_other_page_is_there() -> None:
    shown = shown_commands(command_line()).items()
    pages = {f"{'-'.join(path)}.md" for path, one in shown if not hasattr(one, "list_commands")}

    there = {path.name for path in (ROOT / generate.PAGES).glob("*.md")}

    assert there == {*pages, "README.md"}, "run: nox -s docs"


def test_no_line_of_a_command_s_help_is_broken_on_80_columns() -> None:
    """The first paragraph flows; the lines of the others are printed as they are."""
    broken = [
        f"{path}: {line}"
        for path, command in shown_commands(command_line()).items()
        for line in re.sub(r"\[/?dim\]", "", command.help).partition("\n\n")[2].splitlines()
        if len(line) > 78
    ]

    assert broken == []


def test_the_index_of_commands_links_to_every_page() -> None:
    index = (ROOT / generate.PAGES / "README.md").read_text()

    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))

    assert linked == {path.name for path in (ROOT / generate.PAGES).glob("*.md")} - {"README.md"}


def test_the_settings_page_has_every_variable() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)

    assert listed == [each.variable for each in declared_variables()]


def test_the_exit_codes_page_has_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \|", (ROOT / "docs/exit-codes.md").read_text(), re.MULTILINE)

    assert [int(code) for code in listed] == list(exit_codes())


def test_the_index_of_decisions_lists_every_page_by_its_title() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")

    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.MULTILINE)

    titles = {(page.read_text().splitlines()[0].removeprefix("# "), page.name) for page in pages}
    assert sorted(listed) == sorted(titles)
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes from a document's headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    prose = re.sub(r"(?ms)^```.*?^```", "", path.read_text())
    links = re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'src="([^"]+)"', prose)
    for link in links:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("document", ABOUT_THE_CODE)
def test_paths_in_a_document_about_the_code_exist(document: str) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", (ROOT / document).read_text())
    for named in re.findall(r"`([\w./-]+(?:\.(?:py|ts|js|md|toml)|/))`", text):
        if named in FOREIGN_FILES or named.startswith("/"):
            continue
        found = any(
            path.endswith(f"/{named}") or (named.endswith("/") and f"/{named}" in path)
            for path in PATHS
        )
        assert found, named


def documented_commands(text: str) -> list[list[str]]:
    """Return the words behind `os2` of each command in code blocks for a shell and code spans."""
    blocks = re.findall(r"(?ms)^```(?:bash|sh)$(.*?)^```", text)
    lines = [line for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    starts = (re.match(r"(?:doppler run .*?-- )?(?:bin/)?os2 (.+)", line) for line in lines + spans)
    return [start[1].split() for start in starts if start is not None]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_a_document_exist(document: str) -> None:
    for words in documented_commands((ROOT / document).read_text()):
        group, context = command_line(), typer.Context(command_line())
        for word in words:
            if not hasattr(group, "list_commands") or not re.fullmatch(r"[a-z][a-z-]+", word):
                break
            group, context = group.get_command(context, word), typer.Context(group, parent=context)
            assert group is not None, f"os2 {' '.join(words)}"


def test_the_readme_shows_commands() -> None:
    assert len(documented_commands((ROOT / "README.md").read_text())) > 10
