"""Locks between real processes, one of which is killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from select import select
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.host.locks import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[3]
DEADLINE_SECONDS = 10
HOLDER = """
import sys
from pathlib import Path
from os2cli.host.locks import exclusive

def say(text):
    print(text, flush=True)

with exclusive(Path(sys.argv[1]), sys.argv[2], on_busy=lambda: say("busy")):
    say("held")
    sys.stdin.readline()
say("freed")
"""


class BusyError(Exception):
    """What ``on_busy`` raises here."""


def refuse() -> None:
    raise BusyError


def unexpected() -> None:
    raise AssertionError("the lock is held by nobody")


@contextmanager
def holder(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes the lock, and frees it when it is sent a line."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), name],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Unbuffered, so that what was said and not yet read can be noticed.
        bufsize=0,
    ) as process:
        watchdog = Timer(DEADLINE_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def says_nothing_for(process: subprocess.Popen[bytes], seconds: float) -> bool:
    assert process.stdout is not None
    readable, _, _ = select([process.stdout], [], [], seconds)
    return not readable


def free(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")


def test_a_free_lock_is_taken_at_once_and_freed(tmp_path: Path) -> None:
    folder = tmp_path / "made/when/needed"

    for _ in range(2):
        with exclusive(folder, "image a/b:c", on_busy=unexpected):
            assert folder.is_dir()


def test_it_is_freed_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(BusyError), exclusive(tmp_path, "a", on_busy=unexpected):
        raise BusyError

    with holder(tmp_path, "a") as process:
        assert line(process) == "held"


def test_what_another_process_holds_is_busy(tmp_path: Path) -> None:
    with holder(tmp_path, "a") as process:
        assert line(process) == "held"

        with pytest.raises(BusyError), exclusive(tmp_path, "a", on_busy=refuse):
            pytest.fail("two processes hold one lock")


def test_another_name_is_another_lock(tmp_path: Path) -> None:
    with holder(tmp_path, "machine a") as process:
        assert line(process) == "held"

        with exclusive(tmp_path, "machine b", on_busy=unexpected):
            pass


def test_a_lock_that_is_waited_for_is_got_when_it_is_freed(tmp_path: Path) -> None:
    with holder(tmp_path, "a") as first:
        assert line(first) == "held"
        with holder(tmp_path, "a") as second:
            assert line(second) == "busy"
            assert says_nothing_for(second, 0.2)

            free(first)

            assert line(first) == "freed"
            assert line(second) == "held"


def test_killing_its_holder_frees_it_at_once(tmp_path: Path) -> None:
    with holder(tmp_path, "a") as process:
        assert line(process) == "held"

        process.kill()
        process.wait()

        with exclusive(tmp_path, "a", on_busy=unexpected):
            pass


def test_killing_its_holder_lets_the_one_go_on_that_waits(tmp_path: Path) -> None:
    with holder(tmp_path, "a") as first:
        assert line(first) == "held"
        with holder(tmp_path, "a") as second:
            assert line(second) == "busy"

            first.kill()

            assert line(second) == "held"


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(
            OperationFailed, match=r"cannot create the lock .*: Not a directory"
        ) as caught,
        exclusive(tmp_path / "file/locks", "a", on_busy=unexpected),
    ):
        pytest.fail("there is no lock to hold")

    assert "XDG_STATE_HOME" in (caught.value.hint or "")
