"""Where a copy arrives before it replaces anything, and what a killed one leaves there."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from os2cli.machines.copying import copy_out
from os2cli.machines.staging import PREFIX, staging
from tests.unit.copies import Sender, entry, everything_in, sent_by, tar

HALF_A_COPY = """
import os, sys
from pathlib import Path
from os2cli.machines.staging import staging
with staging(Path(sys.argv[1])) as folder:
    os.mkdir("new", dir_fd=folder)
    print("staged", flush=True)
    sys.stdin.read()
"""
WHOLE = tar((entry("x"), b"!"))


@contextmanager
def copying(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that is in the middle of a copy to a directory."""
    command = [sys.executable, "-c", HALF_A_COPY, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"staged\n"
        yield process
        process.kill()


def test_what_a_killed_copy_leaves_goes_with_the_next(here: Path) -> None:
    with copying(here):
        pass
    assert any(name.startswith(PREFIX) for name in everything_in(here))

    copy_out(sent_by(Sender(WHOLE)), "x", here)

    assert everything_in(here) == {"x"}


def test_what_another_copy_is_using_stays(here: Path) -> None:
    with copying(here) as process:
        before = everything_in(here)

        copy_out(sent_by(Sender(WHOLE)), "x", here)

        assert everything_in(here) == {"x", *before}
        process.communicate()
    assert everything_in(here) == {"x"}


def test_a_user_s_own_files_of_such_names_stay(here: Path) -> None:
    (here / f"{PREFIX}notes").write_text("mine")
    (here / "elsewhere").mkdir()
    (here / f"{PREFIX}link").symlink_to("elsewhere")
    before = everything_in(here)

    copy_out(sent_by(Sender(WHOLE)), "x", here)

    assert everything_in(here) == {"x", *before}


def test_copies_at_once_do_not_remove_each_other(here: Path) -> None:
    problems: list[Exception] = []

    def copy(number: int) -> None:
        try:
            for _ in range(20):
                copy_out(sent_by(Sender(WHOLE)), "x", here / str(number))
        except Exception as error:  # noqa: BLE001  # what a thread raises
            problems.append(error)

    threads = [threading.Thread(target=copy, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert everything_in(here) == {str(number) for number in range(6)}


def test_it_is_private_while_it_arrives(here: Path) -> None:
    with staging(here):
        (folder,) = here.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert everything_in(here) == set()
