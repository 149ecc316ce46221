"""Each error has an exit code, an error code and a hint."""

from __future__ import annotations

import ast
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from os2cli.core import errors
from os2cli.core.errors import Conflict, Os2Error

STATUSES = {
    "OperationFailed": (1, "failed"),
    "UsageError": (2, "usage"),
    "NotFound": (3, "not_found"),
    "NotAuthorised": (4, "not_authorised"),
    "Conflict": (5, "conflict"),
    "TimedOut": (6, "timed_out"),
    "PartlyDone": (7, "partly_done"),
    "Unreachable": (8, "unreachable"),
}


def test_every_failure_has_the_status_and_the_code_that_are_promised() -> None:
    found = {kind.__name__: (kind.exit_code, kind("x").code) for kind in Os2Error.__subclasses__()}

    assert found == STATUSES


@pytest.mark.parametrize(("name", "status"), [(n, s) for n, (s, _) in STATUSES.items()])
def test_the_tree_in_the_docstring_says_the_same(name: str, status: int) -> None:
    line = next(line for line in str(errors.__doc__).splitlines() if f" {name} " in line)

    assert f"exit {status} " in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_signal_that_ends_os2_has_an_exit_code_with_a_meaning(number: signal.Signals) -> None:
    assert 128 + number in errors.exit_codes()


def test_a_failure_carries_what_it_was_given() -> None:
    details = {"port": 1}

    error = Conflict("m", hint="h", code="c", details=details, log_tail=("l",))

    assert (error.message, error.hint, error.code) == ("m", "h", "c")
    assert (error.details, error.log_tail) == ({"port": 1}, ("l",))
    assert str(error) == "m"
    assert error.details is not details


def test_without_more_than_a_message_there_is_no_hint_and_no_log() -> None:
    error = Os2Error("m")

    assert (error.hint, error.details, error.log_tail) == (None, {}, ())
    assert (error.exit_code, error.code) == (1, "failed")


def kinds_of_failures(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of all classes of failures, also of those below others."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    kinds = {"Os2Error"}
    while more := {name for name, above in bases.items() if above & kinds} - kinds:
        kinds |= more
    return kinds


def test_every_failure_in_the_source_says_what_to_do_next() -> None:
    modules = Path(str(errors.__file__)).parents[1].rglob("*.py")
    trees = {module: ast.parse(module.read_text()) for module in modules}
    kinds = kinds_of_failures(trees.values())

    assert kinds > {*STATUSES, "LostAnswer"}
    assert [
        f"{module.name}:{call.lineno}"
        for module, tree in trees.items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in kinds
        and "hint" not in {keyword.arg for keyword in call.keywords}
    ] == []
