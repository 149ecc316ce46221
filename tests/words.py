"""`nox -s lint`: find the words that are out, in every text of the checkout.

The rules are in `docs/words.toml`, the reasons in `docs/style.md`. Prose linters read Markdown;
most of os2's sentences are in strings, docstrings, comments and templates, so each kind of file
has a reader here that yields its passages.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "docs/words.toml"
# Files that quote the words, and files of others.
EXCLUDED = re.compile(
    r"docs/(style\.md|words\.toml)|tests/unit/test_words\.py|tests/data/.*|requirements/.*"
    r"|LICENSE|.*/vendor/.*|.*lock\.yaml"
)
# Attributes whose value a person reads or hears.
SPOKEN_ATTRIBUTES = ("alt", "aria-label", "content", "label", "placeholder", "title")


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of prose and the line of the file where it starts."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What is out, what to write instead, and the expression that finds it."""

    out: str
    instead: str
    pattern: re.Pattern[str]
    example: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A word that is out, where it stands."""

    line: int
    words: str
    rule: Rule


def load_rules() -> list[Rule]:
    """Read the rules from `docs/words.toml`."""
    return [
        Rule(rule["out"], rule["in"], re.compile(rule["pattern"], re.IGNORECASE), rule["example"])
        for rule in tomllib.loads(RULES.read_text())["word"]
    ]


def find_words(passage: Passage, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Yield the words of a passage that a rule rejects; a phrase may cross lines."""
    text, lines, line = "", [], passage.line
    for part in re.split(r"(\s+)", passage.text):
        plain = " " if part.isspace() else part
        text += plain
        lines += [line] * len(plain)
        line += part.count("\n")
    for rule in rules:
        for match in rule.pattern.finditer(text):
            yield Finding(lines[match.start()], match.group(), rule)


def read_markdown(text: str) -> Iterator[Passage]:
    """Yield a document without its code blocks, code spans and link targets."""
    text = re.sub(r"(?ms)^ *```.*?^ *```", lambda block: "\n" * block.group().count("\n"), text)
    yield Passage(1, re.sub(r"\]\([^)\s]*\)", "]", re.sub(r"`[^`]*`", "{}", text)))


def read_python(text: str, *, strings: bool = True) -> Iterator[Passage]:
    """Yield comments, docstrings and names of tests, and with ``strings`` every other literal."""
    tree = ast.parse(text)
    in_fields: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            in_fields.update(id(value) for value in node.values)
            if strings:
                yield Passage(node.lineno, "".join(map(_literal, node.values)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if strings and id(node) not in in_fields:
                yield Passage(node.lineno, node.value)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield Passage(node.lineno, node.name.replace("_", " "))
        if not strings and isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
            yield from _docstring(node)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = ((t.start[0], t.string[1:]) for t in tokens if t.type == tokenize.COMMENT)
    yield from _join_lines(comments)


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "{}"


def _docstring(node: ast.FunctionDef | ast.ClassDef | ast.Module) -> Iterator[Passage]:
    if (text := ast.get_docstring(node, clean=False)) is not None:
        yield Passage(node.body[0].lineno, text)


def _join_lines(lines: Iterable[tuple[int, str]]) -> Iterator[Passage]:
    """Join comments on successive lines: a sentence goes on from one to the next."""
    start, block = 0, list[str]()
    for number, text in lines:
        if block and number != start + len(block):
            yield Passage(start, "\n".join(block))
            block = []
        start = number if not block else start
        block.append(text)
    if block:
        yield Passage(start, "\n".join(block))


def read_python_test(text: str) -> Iterator[Passage]:
    """Yield what a test itself expresses: its literals are data, or messages of the product."""
    return read_python(text, strings=False)


_SCRIPT = re.compile(
    r"/\*.*?\*/"
    r"|//[^\n]*(?:\n[ \t]*//[^\n]*)*"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'"
    r"|`(?:\\.|[^`\\])*`",
    re.DOTALL,
)


def read_script(text: str) -> Iterator[Passage]:
    """Yield the comments and string literals of JavaScript or TypeScript, or comments of CSS."""
    for match in _SCRIPT.finditer(text):
        words = re.sub(r"(?m)^[ \t]*(//|/?\*)", "", match.group())
        yield Passage(text.count("\n", 0, match.start()) + 1, re.sub(r"\$\{[^}]*\}", "{}", words))


def read_hash_comments(text: str) -> Iterator[Passage]:
    """Yield the comments of a shell script, a Dockerfile, TOML or YAML."""
    lines = ((n, re.search(r"(?:^|\s)#(.*)", line)) for n, line in enumerate(text.splitlines(), 1))
    yield from _join_lines((number, match.group(1)) for number, match in lines if match)


def read_html(text: str) -> Iterator[Passage]:
    """Yield the text and the spoken attributes of a template, Jinja's expressions included."""
    parser = _TemplateParser()
    parser.feed(text)
    parser.close()
    return iter(parser.passages)


class _TemplateParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.passages: list[Passage] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in attrs:
            if name in SPOKEN_ATTRIBUTES and value:
                self.passages.append(Passage(self.getpos()[0], value))

    def handle_data(self, data: str) -> None:
        self.passages.append(Passage(self.getpos()[0], data))


Reader = Callable[[str], Iterator[Passage]]
# By the end of a path; the first that fits reads the file.
READERS: tuple[tuple[str, Reader], ...] = (
    (r"tests/.*\.py", read_python_test),
    (r".*\.py", read_python),
    (r".*\.md", read_markdown),
    (r".*\.html", read_html),
    (r".*\.(ts|js|css)", read_script),
    (r".*\.(toml|ya?ml|sh)|.*Dockerfile|(.*/)?bin/[^.]+|\.ci/run|.*/run", read_hash_comments),
)


def check_file(name: str, rules: Iterable[Rule]) -> list[Finding]:
    """Return the words that are out in a file of the checkout, in the order of its lines."""
    reader = next((read for path, read in READERS if re.fullmatch(path, name)), None)
    if reader is None or EXCLUDED.fullmatch(name):
        return []
    passages = reader((ROOT / name).read_text())
    findings = (found for passage in passages for found in find_words(passage, rules))
    return sorted(findings, key=lambda finding: finding.line)


def list_files() -> list[str]:
    """Return the files that git tracks or would offer to track."""
    command = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in output.split("\0") if name and (ROOT / name).is_file()]


def main(names: list[str]) -> None:
    """List each finding with its file and line; exit with 1 if there is one."""
    rules = load_rules()
    findings = [
        f"{name}:{found.line}: '{found.words}' is out; write: {found.rule.instead}"
        for name in names or list_files()
        for found in check_file(name, rules)
    ]
    if findings:
        sys.exit("\n".join([*findings, f"{len(findings)} words to replace: see docs/style.md"]))


if __name__ == "__main__":
    main(sys.argv[1:])
