"""The linter of words finds each word that is out, in each kind of text, and leaves the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.words import (
    Passage,
    Rule,
    check_file,
    find_words,
    load_rules,
    read_hash_comments,
    read_html,
    read_markdown,
    read_python,
    read_python_test,
    read_script,
)

ROOT = Path(__file__).parents[2]
RULES = load_rules()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.out)
def test_a_rule_finds_its_own_example(rule: Rule) -> None:
    assert list(find_words(Passage(1, rule.example), [rule]))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.out)
def test_a_rule_accepts_what_it_says_to_write(rule: Rule) -> None:
    assert not list(find_words(Passage(1, rule.instead), [rule]))


def test_the_style_guide_lists_the_rules() -> None:
    style = (ROOT / "docs/style.md").read_text()
    rows = re.findall(
        r"^\| (.+) \| (.+) \|$", style.split("## Words that are out")[1], re.MULTILINE
    )

    assert rows[1:] == [(rule.out, rule.instead) for rule in RULES]


@pytest.mark.parametrize(
    "text",
    [
        "there is no image",
        "The request is too large.",
        "It is no longer running.",
        "as long as the lock is held",
        "No such file or directory",
    ],
)
def test_plain_english_is_left_alone(text: str) -> None:
    assert not list(find_words(Passage(1, text), RULES))


def found_lines(passages: Iterable[Passage]) -> list[int]:
    """Return the lines that hold a word that is out."""
    return [found.line for passage in passages for found in find_words(passage, RULES)]


def test_a_phrase_is_found_across_lines() -> None:
    assert found_lines(read_markdown("One line.\n\nThe value is\nno duration.\n")) == [3]


def test_markdown_is_read_without_its_code() -> None:
    text = "`nobody`\n\n```bash\nsudo -u nobody\n```\n\n[here](nobody.md) nobody\n"

    assert found_lines(read_markdown(text)) == [7]


def test_python_is_read_with_docstrings_literals_and_comments() -> None:
    text = '"""Nobody."""\n\nx = f"{1} is no " "number"\n# one that nobody\n# reads\n'

    assert sorted(found_lines(read_python(text))) == [1, 3, 4]


def test_names_and_docstrings_of_tests_are_read_and_their_literals_are_not() -> None:
    text = 'def test_nobody_waits():\n    """Shall."""\n    assert x == "nobody"\n'

    assert sorted(found_lines(read_python_test(text))) == [1, 2]


def test_templates_are_read_with_the_attributes_that_people_read() -> None:
    text = '<p class="nobody" title="nobody">\nread by nobody</p>'

    assert sorted(found_lines(read_html(text))) == [1, 2]


def test_scripts_are_read_with_comments_and_literals() -> None:
    text = "// one that\n// nobody\nconst nobody = `${nobody}`;\nlog('nobody');\n"

    assert found_lines(read_script(text)) == [2, 4]


def test_comments_behind_a_hash_are_read() -> None:
    assert found_lines(read_hash_comments("USER nobody\n# nobody\nRUN x # nobody\n")) == [2, 3]


def test_text_of_others_is_left_out() -> None:
    assert check_file("os2cli/ui/static/vendor/xterm/xterm.mjs", RULES) == []
    assert check_file("docs/words.toml", RULES) == []
