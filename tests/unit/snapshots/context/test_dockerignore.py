"""Which paths an ignore file leaves out; the expectations were observed with Docker's CLI."""

from __future__ import annotations

import contextlib
import random
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.snapshots.context.dockerignore import Dockerignore, read_dockerignore

PATHS = (
    "a/b/c.go",
    "a/b/keep",
    "a/x.md",
    "ab/x.md",
    "b",
    "README.md",
    "x.md",
    "-",
    "#h",
    "!n",
    "[x]",
    "a+b",
    "node_modules/m/i.js",
    "p/node_modules/m/i.js",
)


def rules(root: Path, content: str | bytes) -> Dockerignore:
    content = content if isinstance(content, bytes) else content.encode()
    (root / ".dockerignore").write_bytes(content)
    return read_dockerignore(root, "Dockerfile")


def excluded(root: Path, content: str | bytes) -> set[str]:
    ignored = rules(root, content)
    return {path for path in PATHS if ignored.excludes(path)}


ALL = set(PATHS)
BELOW_A = {"a/b/c.go", "a/b/keep", "a/x.md"}
MODULES = {"node_modules/m/i.js", "p/node_modules/m/i.js"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", set()),
        ("a", BELOW_A),
        ("/a/", BELOW_A),
        ("./a/.", BELOW_A),
        ("  a\t", BELOW_A),
        ("z/../a//b", {"a/b/c.go", "a/b/keep"}),
        ("//a", BELOW_A),
        ("../a", set()),
        (".", set()),
        ("/", set()),
        ("*", ALL),
        ("**", ALL),
        ("*.md", {"README.md", "x.md"}),
        ("*/*.md", {"a/x.md", "ab/x.md"}),
        ("**/*.md", {"README.md", "x.md", "a/x.md", "ab/x.md"}),
        ("**/node_modules", MODULES),
        ("node_modules", {"node_modules/m/i.js"}),
        ("a/**", BELOW_A),
        ("a**", BELOW_A | {"ab/x.md", "a+b"}),
        ("**b", {"a/b/c.go", "a/b/keep", "ab/x.md", "b", "a+b"}),
        ("a?", {"ab/x.md"}),
        ("a?b", {"a+b"}),
        ("a/*/keep", {"a/b/keep"}),
        ("a/**/keep", {"a/b/keep"}),
        ("[^a]", {"b", "-", "p/node_modules/m/i.js"}),
        ("[a-b]", BELOW_A | {"b"}),
        ("a[!b]b", set()),
        ("\\[x]", {"[x]"}),
        ("[x]", set()),
        ("a+b", {"a+b"}),
        ("[[:alpha:]]", BELOW_A | {"b", "p/node_modules/m/i.js"}),
        ("[[b]", {"b"}),
        ("[&&b]", {"b"}),
        ("#h", set()),
        ("\\#h", {"#h"}),
        (" #h", {"#h"}),
        ("\\!n", {"!n"}),
        ("/!n\n*", ALL),
        ("*.md\n!README.md", {"x.md"}),
        ("!README.md\n*.md", {"README.md", "x.md"}),
        ("a\n!a/b", {"a/x.md"}),
        ("a\n! a/b/", {"a/x.md"}),
        ("a\n!a/b\na/b/keep", {"a/x.md", "a/b/keep"}),
        ("*\n!a/b\na", ALL),
        ("**\n!**/*.md", ALL - {"README.md", "x.md", "a/x.md", "ab/x.md"}),
        ("\ufeffa", BELOW_A),
        ("a\r\n*.md\r\n", BELOW_A | {"README.md", "x.md"}),
    ],
)
def test_excluded_paths(tmp_path: Path, content: str, expected: set[str]) -> None:
    assert excluded(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[", "syntax error"),
        ("a/[", "syntax error"),
        ("[]a]", "syntax error"),
        ("[^]", "syntax error"),
        ("[-a]", "syntax error"),
        ("[a-]", "syntax error"),
        ("a\\", "syntax error"),
        ("[z-a]", "bad character range"),
        ("!", "illegal exclusion pattern"),
        ("!/", "illegal exclusion pattern"),
        ("\\y", "unknown escape"),
        ("[[:nope:]]", "unknown character class"),
        ("[^]*", "syntax error"),
    ],
)
def test_broken_pattern_is_refused_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as raised:
        rules(tmp_path, f"fine\n# comment\n{line}\n")
    assert raised.value.message.startswith(".dockerignore, line 3: ")


def test_own_ignore_file_counts_alone_even_when_empty(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.dockerignore").touch()
    assert excluded(tmp_path, "*") == set()


def test_unreadable_ignore_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_dockerignore(tmp_path, "Dockerfile")


def test_names_that_are_not_utf8_match(tmp_path: Path) -> None:
    assert rules(tmp_path, b"caf\xe9\n").excludes("caf\udce9")
    assert rules(tmp_path, b"caf?\n").excludes("caf\udce9")


def test_escaped_classes_are_ascii(tmp_path: Path) -> None:
    ignored = rules(tmp_path, "\\d\n\\w\\w\n")
    assert [path for path in ("1", "\u0663", "ab", "\u00e9b") if ignored.excludes(path)] == [
        "1",
        "ab",
    ]


NAMES = st.sampled_from(["a", "b", "ab", "x.md", "a b", "é", "[x]"])
TREE_PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PATTERNS = st.builds(
    lambda sign, parts: sign + "/".join(parts),
    st.sampled_from(["", "", "!", "! ", "/", "!/"]),
    st.lists(
        st.sampled_from(["*", "**", "?", "a", "b", "ab", "*.md", "[a-b]", "[^a]", "**a", "a**"]),
        min_size=1,
        max_size=3,
    ),
)
FILES = st.lists(PATTERNS, max_size=6)


def escaped(path: str) -> str:
    return "".join(f"\\{char}" if char in "[]*?\\" else char for char in path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


@settings(max_examples=60)
@given(lines=FILES, path=TREE_PATHS)
def test_the_last_word_counts(place: Path, lines: list[str], path: str) -> None:
    assert rules(place, "\n".join([*lines, escaped(path)])).excludes(path)
    assert not rules(place, "\n".join([*lines, f"!{escaped(path)}"])).excludes(path)


@settings(max_examples=60)
@given(lines=FILES, paths=st.lists(TREE_PATHS, min_size=2), seed=st.integers(0, 99))
def test_the_order_of_questions_does_not_count(
    place: Path, lines: list[str], paths: list[str], seed: int
) -> None:
    one, other = rules(place, "\n".join(lines)), rules(place, "\n".join(lines))
    shuffled = random.Random(seed).sample(paths, len(paths))  # noqa: S311  no secret
    assert {path: one.excludes(path) for path in paths} == {
        path: other.excludes(path) for path in shuffled
    }


@settings(max_examples=60)
@given(lines=FILES, folder=TREE_PATHS, below=TREE_PATHS)
def test_below_a_pruned_folder_everything_is_excluded(
    place: Path, lines: list[str], folder: str, below: str
) -> None:
    ignored = rules(place, "\n".join(lines))
    if ignored.prunes(folder):
        assert ignored.excludes(f"{folder}/{below}")


@settings(max_examples=60)
@given(lines=FILES, path=TREE_PATHS, noise=st.sampled_from(["", "  ", "# a", "#!b", "\t"]))
def test_comments_blanks_and_line_ends_do_not_count(
    place: Path, lines: list[str], path: str, noise: str
) -> None:
    plain = rules(place, "\n".join(lines)).excludes(path)
    noisy = "".join(f"{noise}\r\n \t{line}  \r\n" for line in lines)
    assert rules(place, noisy).excludes(path) == plain


@settings(max_examples=200)
@given(text=st.text(string.printable + "é\ufeff", max_size=12))
def test_any_text_is_read_or_refused(place: Path, text: str) -> None:
    with contextlib.suppress(UsageError):
        rules(place, text).excludes("a/b")
