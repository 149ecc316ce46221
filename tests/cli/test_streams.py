"""Streams and disks that take nothing: the work is done, and the exit code is the command's."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from os2cli.core.errors import exit_codes
from tests.command import Os2

COMMANDS = {
    "a result": (["stage", "--stage", "stg"], 0),
    "a version": (["--version"], 0),
    "help": (["--help"], 0),
    "a list with a warning": (["machine", "list"], 8),
    "JSON": (["machine", "list", "--json"], 8),
    "progress": (["up", "--progress", "json"], 8),
    "a usage error": (["machine", "create", "--nonsense"], 2),
    "an unknown name": (["machine", "show", "nothing", "--type", "local-process"], 3),
    "a cleared cache": (["cache", "clear"], 0),
}
FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a full disk at hand")


def run(os2: Os2, arguments: Sequence[str], redirection: str) -> tuple[int, str]:
    """Return the exit code and what the other stream got."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *os2.argv(*arguments)],
        cwd=os2.folder,
        env=dict(os2.env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("closed", ["2>/dev/full", "2</dev/null"])
@pytest.mark.parametrize(("arguments", "code"), COMMANDS.values(), ids=COMMANDS)
def test_a_stderr_that_takes_nothing_changes_nothing(
    os2: Os2, arguments: list[str], code: int, closed: str
) -> None:
    expected = run(os2, arguments, "2>/dev/null")

    assert run(os2, arguments, closed) == expected
    assert expected[0] == code


@pytest.mark.parametrize(("arguments", "code"), COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("both", [">/dev/full 2>&1", ">&- 2>/dev/full"])
def test_two_streams_that_take_nothing_leave_a_known_exit_code(
    os2: Os2, arguments: list[str], code: int, both: str
) -> None:
    actual, _ = run(os2, arguments, both)

    assert actual in exit_codes()
    assert actual in (code, 1)


def test_a_stdout_that_is_full_is_named(os2: Os2) -> None:
    code, text = run(os2, ["stage", "--stage", "stg"], ">/dev/full")

    assert code == 1
    assert text.startswith("error: cannot write the result: No space left on device\nhint: ")


FAILURES = {
    "a full disk": ("OSError(28, 'No space left on device')", "TMPDIR", "disk_full"),
    "a quota": ("OSError(122, 'Disk quota exceeded', '/home/x')", "TMPDIR", "disk_full"),
    "a broken disk": ("OSError(5, 'Input/output error')", "check the disk", "disk_failed"),
    "open files": ("OSError(24, 'Too many open files')", "ulimit -n", "too_many_files"),
    "memory": ("MemoryError()", "ulimit -v", "out_of_memory"),
    "no permission": ("PermissionError(13, 'Permission denied', '/x')", "own", "access_denied"),
}
RAISING = """
import sys
from os2cli import cli
def run(arguments, invocation):
    invocation.json = "--json" in arguments
    raise {error}
cli.run = run
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("error", "hint", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_of_another_disk_is_not_blamed_on_stdout(
    os2: Os2, error: str, hint: str, code: str
) -> None:
    done = os2.python(RAISING.format(error=error))

    assert done.status == 1
    assert "the result" not in done.stderr
    assert "unexpected" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert hint in done.stderr.splitlines()[1]
    assert os2.python(RAISING.format(error=error), "--json").json()["error"]["code"] == code


def test_a_pipe_that_breaks_elsewhere_is_not_the_reader_of_stdout(os2: Os2) -> None:
    done = os2.python(RAISING.format(error="BrokenPipeError(32, 'Broken pipe')"))

    assert done.status == 1
    assert done.stderr.startswith("error: ")
