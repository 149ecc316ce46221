"""Every regular expression of the package, how it is applied, and texts that are hostile to it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import os2cli

# Python's own reader of expressions; no other says what one consists of.
_parser: Any = importlib.import_module("re._parser")
Apply = Callable[[re.Pattern[Any], Any], object]
_APPLY: dict[str, Apply] = {
    "search": re.Pattern.search,
    "match": re.Pattern.match,
    "fullmatch": re.Pattern.fullmatch,
    "sub": lambda pattern, text: pattern.sub(text[:0], text),
    "split": re.Pattern.split,
    "findall": re.Pattern.findall,
    "finditer": lambda pattern, text: deque(pattern.finditer(text), maxlen=0),
}
_MAX_PARTS = 7


@dataclass(frozen=True)
class Expression:
    """A compiled expression of a module and the methods that are called on it."""

    where: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]

    def applications(self) -> Iterator[Callable[[str], object]]:
        """Yield functions that apply it to a text as the package does."""
        for method in sorted(self.methods):
            yield partial(self._applied, _APPLY[method])

    def _applied(self, apply: Apply, text: str) -> object:
        is_bytes = isinstance(self.pattern.pattern, bytes)
        return apply(self.pattern, text.encode("latin-1") if is_bytes else text)


def modules() -> Iterator[ModuleType]:
    """Yield every module of the package."""
    for found in pkgutil.walk_packages(os2cli.__path__, "os2cli."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def expressions(module: ModuleType) -> Iterator[Expression]:
    """Yield the expressions that a module holds, and those it writes where it uses them."""
    tree = _tree(module)
    for name, value in vars(module).items():
        for pattern in _patterns(value):
            yield Expression(f"{module.__name__}.{name}", pattern, _methods(tree, name))
    for method, arguments in _inline(tree):
        if isinstance(arguments[0], ast.Constant) and method in _APPLY:
            where = f"{module.__name__}:{arguments[0].lineno}"
            pattern = re.compile(arguments[0].value)
            yield Expression(where, pattern, frozenset({method}))


def built(module: ModuleType) -> set[str]:
    """Return the functions of a module that write expressions from parts."""
    found = set()
    for function in ast.walk(_tree(module)):
        if isinstance(function, ast.FunctionDef) and any(
            not isinstance(arguments[0], ast.Constant) for _, arguments in _inline(function)
        ):
            found.add(f"{module.__name__}.{function.name}")
    return found


def hostile_texts(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    """Yield texts that repeat parts of what a pattern matches, after what leads up to them.

    What follows makes most of them fail to match, as late as possible.
    """
    text = pattern.pattern
    expression = text.decode("latin-1") if isinstance(text, bytes) else text
    parts = _parts(_parser.parse(expression, pattern.flags & ~re.UNICODE))
    alike = dict.fromkeys([*parts, " ", "\n", "a", "é", "0", "A", "_", "\t", "/", "\r\n", "\x1b"])
    pumps = {(before, pump) for pump in alike for before in ("", parts[0] if parts else "")}
    for start in range(len(parts)):
        before = "".join(parts[:start])
        for end in range(start + 1, min(start + _MAX_PARTS, len(parts)) + 1):
            pumps |= {(before, "".join(parts[start:end])), ("", "".join(parts[start:end]))}
    for before, pump in sorted(pumps):
        for after in ("", "\x01", "\n\x01"):
            yield before + pump * (size // len(pump)) + after


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))


def _patterns(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (tuple, list, frozenset)):
        for each in value:
            yield from _patterns(each)
    elif isinstance(value, dict):
        yield from _patterns([*value, *value.values()])


def _methods(tree: ast.Module, name: str) -> frozenset[str]:
    """Return the methods called on a name; all if it is also used in another way."""
    called, uses = set(), 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            uses += 1
        value = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Attribute) and isinstance(value, ast.Name) and value.id == name:
            called.add(node.attr)
            uses -= 1
    known = called & {*_APPLY}
    return frozenset(known) if known and uses == 0 else frozenset(_APPLY)


def _inline(tree: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in {*_APPLY, "compile"}
        ):
            yield node.func.attr, node.args


def _parts(parsed: Any) -> list[str]:
    """Return a short text for each part of an expression, in its order."""
    parts: list[str] = []
    run = ""
    for code, argument in parsed:
        if str(code) == "LITERAL":
            run += chr(argument)
            continue
        parts += [run] if run else []
        run = ""
        parts += _part(str(code), argument)
    return [*parts, run] if run else parts


def _part(code: str, argument: Any) -> list[str]:
    if code == "NOT_LITERAL":
        return ["b" if argument == ord("a") else "a"]
    if code == "ANY":
        return ["a"]
    if code == "IN":
        return [_member(argument)]
    if code == "BRANCH":
        return [part for branch in argument[1] for part in _parts(branch)]
    if code.endswith("_REPEAT"):
        least = max(1, min(argument[0], 40))
        parts = _parts(argument[2])
        return parts if least == 1 else ["".join(parts) * least]
    if code == "ATOMIC_GROUP":
        return _parts(argument)
    if code in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
        return _parts(argument[-1])
    return []


_CLASSES = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
_CLASSES |= {"CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_WORD": "-", "CATEGORY_NOT_DIGIT": "a"}


def _member(members: Any) -> str:
    """Return a character of a class; of one that excludes some, one that most others take."""
    if str(members[0][0]) == "NEGATE":
        taken = re.compile(f"[{_class(members[1:])}]")
        return next(chr(c) for c in (97, 48, 45, *range(33, 255)) if not taken.match(chr(c)))
    code, argument = members[0]
    if str(code) == "CATEGORY":
        return _CLASSES[str(argument)]
    return chr(argument if str(code) == "LITERAL" else argument[0])


def _class(members: Any) -> str:
    text = ""
    for code, argument in members:
        if str(code) == "LITERAL":
            text += re.escape(chr(argument))
        elif str(code) == "RANGE":
            text += f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
        else:
            words = {"SPACE": r"\s", "DIGIT": r"\d", "WORD": r"\w"}
            negated, name = "NOT_" in str(argument), str(argument).rpartition("_")[2]
            text += words[name].upper() if negated else words[name]
    return text
