"""The shape of the package: one-way imports, small modules, and tests that mirror the rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE, UNIT_TESTS = Path("os2cli"), Path("tests/unit")
MAX_MODULE_LINES = 250
MAX_IMPORTS_IN_FUNCTIONS = 39
# They are about the whole.
ROOT_TESTS = {
    "test_architecture.py",
    "test_docs.py",
    "test_hostile_text.py",
    "test_next_commands.py",
    "test_pythons.py",
    "test_readme.py",
    "test_audit.py",
    "test_sbom.py",
    "test_words.py",
}
# Those of the servers that tests start.
TEST_SERVERS = UNIT_TESTS / "servers"

Import = ast.Import | ast.ImportFrom


def test_imports_go_one_way() -> None:
    """The contracts are in pyproject.toml."""
    # In a process of its own: it switches off the loggers that it finds.
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    checked = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_modules_import_each_other() -> None:
    """Imports for type checking and in functions count."""
    graph = {name: set(imported_modules(name)) - {name} for name in modules()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_modules_are_small() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in modules().values()}

    too_long = {path: lines for path, lines in lengths.items() if lines > MAX_MODULE_LINES}

    assert too_long == {}


def test_few_imports_stand_in_functions() -> None:
    imports = sorted(
        f"{path}:{node.lineno}"
        for name, path in modules().items()
        for node in imports_in_functions(parsed(name))
    )

    assert len(imports) <= MAX_IMPORTS_IN_FUNCTIONS, "\n".join(imports)


def test_unit_tests_mirror_the_rooms() -> None:
    rooms = {UNIT_TESTS / path.parent.relative_to(PACKAGE) for path in modules().values()}

    strays = [
        str(path)
        for path in UNIT_TESTS.rglob("test_*.py")
        if not (
            path.name in ROOT_TESTS
            if path.parent == UNIT_TESTS
            else path.parent in rooms or path.is_relative_to(TEST_SERVERS)
        )
    ]

    assert strays == []


@cache
def modules() -> dict[str, Path]:
    """Return each module of the package, by its dotted name."""
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def parsed(name: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(modules()[name].read_text())


def imported_modules(name: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports, wherever the import stands."""
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in modules() else str(node.module)


def imports_in_functions(tree: ast.Module) -> set[Import]:
    """Return the import statements that stand in a function or a method."""
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {
        node
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
