r"""How Docker matches one ``.dockerignore`` pattern against one path.

Docker turns a pattern into a Go regular expression, with three shortcuts that match differently
(https://github.com/moby/patternmatcher); ``compile_pattern`` gives the same answers. Consequences
that surprise: ``**x`` matches any path that *ends* in ``x``; ``^`` beside a wildcard never
matches; ``\d`` is a digit; ``[^a]`` also matches ``/``. The escapes ``\x41``, ``\pL``, ``\Q``
and octal ones, which Docker passes to Go's engine, are rejected rather than read differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto

from os2cli.snapshots.context.automaton import Atom, AtomKind, Automaton

MAX_CHARACTERS = 1_000

Match = Callable[[str], object]

_ITEM = r"(?:\\.|[^\\\]-])"
_SYNTAX = re.compile(
    rf"(?: [^\\\[] | \\. | \[ \^?+ (?:{_ITEM}(?:-{_ITEM})?)+ \] )*", re.DOTALL | re.VERBOSE
)
_FOLDERS = "(.*/)?"
_PLACES = frozenset({"^", r"\A", r"\Z", r"\b", r"\B"})
_ESCAPED = frozenset(".+()|{}$")
_SAME_ESCAPES = frozenset("AbBdDsSwWafnrtv")
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


class _Kind(Enum):
    EXACT = auto()
    PREFIX = auto()
    SUFFIX = auto()
    REGEX = auto()


def compile_pattern(pattern: str) -> Match:
    """Compile a cleaned pattern to a function that is true for the paths that it matches.

    Raises ``ValueError`` for a pattern that Docker rejects, or that is too long.
    """
    if len(pattern) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters")
    if not _SYNTAX.fullmatch(pattern):
        raise ValueError("syntax error in pattern")
    kind, expression = _go_expression(pattern)
    if kind is _Kind.EXACT:
        return pattern.__eq__
    if kind is _Kind.PREFIX:
        start = pattern[:-2]
        return lambda path: path.startswith(start)
    if kind is _Kind.SUFFIX:
        end = pattern[2:]
        return lambda path: path.endswith(end) or "/" + path == end
    try:
        return Automaton(atoms(expression)).matches
    except re.error as error:
        raise ValueError(error.msg) from error


def _go_expression(pattern: str) -> tuple[_Kind, str]:
    """Translate as Docker does, without anchors; the text counts only for ``_Kind.REGEX``."""
    kind, parts, index = _Kind.EXACT, [], 0
    while index < len(pattern):
        char, rest = pattern[index], pattern[index + 1 :]
        start, index = index, index + 1
        if rest.startswith("*") and char == "*":
            index += 2 if rest.startswith("*/") else 1
            at_end = index == len(pattern)
            parts.append(".*" if at_end else _FOLDERS)
            kind = _double_star(kind, start, at_end)
        elif char == "\\":
            index += 1
            parts.append(char + rest[:1])
            kind = _Kind.REGEX
        else:
            wild = {"*": "[^/]*", "?": "[^/]"}.get(char)
            parts.append(wild or ("\\" + char if char in _ESCAPED else char))
            kind = _Kind.REGEX if wild or char in "[]" else kind
    return kind, "".join(parts)


def _double_star(kind: _Kind, start: int, at_end: bool) -> _Kind:
    if start == 0:
        return _Kind.SUFFIX
    return _Kind.PREFIX if at_end and kind is _Kind.EXACT else _Kind.REGEX


def atoms(expression: str) -> Iterator[Atom]:
    """Yield the parts of a Go expression, as Python writes them.

    The two differ in escapes and inside ``[…]``. A ``*`` may also follow a ``[…]``: Docker
    translates ``[a*]`` to ``[a[^/]*]``.
    """
    index = 0
    while index < len(expression):
        char = expression[index]
        if expression.startswith(_FOLDERS, index):
            index += len(_FOLDERS)
            yield Atom(AtomKind.FOLDERS, _FOLDERS)
            continue
        if char == "\\":
            text, index = _escape(expression[index + 1]), index + 2
        elif char == "[":
            text, index = _class(expression, index + 1)
        else:
            text, index = char if char in ".^" else re.escape(char), index + 1
        is_repeated = expression.startswith("*", index)
        index += is_repeated
        if text in _PLACES:
            yield Atom(AtomKind.PLACE, text)
        else:
            yield Atom(AtomKind.MANY if is_repeated else AtomKind.ONE, text)


def _class(expression: str, index: int) -> tuple[str, int]:
    """Return the class whose ``[`` is before ``index``, and the index after it."""
    negated = expression.startswith("^", index)
    parts = ["[^" if negated else "["]
    index += negated
    first = index
    while index == first or not expression.startswith("]", index):
        if index >= len(expression):
            raise ValueError("missing closing ]")
        posix = re.compile(r"\[:(\^?)(\w+):\]").match(expression, index)
        if posix:
            parts.append(_posix_class(*posix.groups()))
            index = posix.end()
        elif expression[index] == "\\":
            parts.append(_escape(expression[index + 1]))
            index += 2
        else:
            char = expression[index]
            parts.append(char if char == "-" else re.escape(char))
            index += 1
    return "".join(parts) + "]", index + 1


def _posix_class(negated: str, name: str) -> str:
    if negated or name not in _POSIX:
        raise ValueError(f"unknown character class [:{negated}{name}:]")
    return _POSIX[name]


def _escape(char: str) -> str:
    if char in _SAME_ESCAPES:
        return "\\" + char
    if char == "z":
        return r"\Z"
    if char.isalnum() or not char.isascii():
        raise ValueError(f"unknown escape \\{char}")
    return re.escape(char)
