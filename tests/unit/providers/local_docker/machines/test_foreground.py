"""The scripts around a program, run by this host's shell, and what they write."""

from __future__ import annotations

import os
import subprocess
import tracemalloc

import pytest

from os2cli.core.models import Command
from os2cli.providers.local_docker.machines.foreground import RUN, Output, run_environment

MARK = "\x02mark"


def run(command: Command, **env: str) -> tuple[Output, bytes, Output, bytes]:
    """Run a command with the script; return both streams, and what passed of them."""
    environment = run_environment(
        Command(command.argv, {**env, **command.env}, command.folder), MARK
    )
    done = subprocess.run(
        ["/bin/sh", *RUN[1:]],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        timeout=20,
    )
    stdout, stderr = Output(MARK, started=False), Output(MARK, started=True)
    return stdout, stdout.passed(done.stdout), stderr, stderr.passed(done.stderr)


@pytest.mark.parametrize("path", [None, "/no/such/folder"], ids=["with cat", "without cat"])
def test_both_streams_end_with_the_exit_code(path: str | None) -> None:
    env = {} if path is None else {"PATH": path}

    stdout, out, stderr, err = run(
        Command(("/bin/sh", "-c", "echo out; echo err >&2; exit 7")), **env
    )

    assert (out, err) == (b"out\n", b"err\n")
    assert (stdout.exit_code, stderr.exit_code) == (7, 7)


def test_the_program_gets_its_variables_and_none_of_the_script() -> None:
    names = {"mark": "a", "code": "b", "line": "c d"}

    _, out, _, _ = run(Command(("env",), names, "/"))

    assert not [line for line in out.splitlines() if line.startswith(b"OS2_RUN")]
    assert {f"{name}={value}".encode() for name, value in names.items()} <= {*out.splitlines()}
    assert b"PWD=/" in out.splitlines()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 10, 99, 101, 1000])
def test_every_argument_arrives(count: int) -> None:
    words = [f"a '{number}'\n$x\\" for number in range(count)]

    _, out, _, _ = run(Command(("printf", "<%s>", *words)))

    assert out.decode() == "".join(f"<{word}>" for word in words or [""])


@pytest.mark.parametrize("size", range(1, 12))
def test_marks_are_found_however_the_stream_is_cut(size: int) -> None:
    written = b"\x02\x02mar\x02mark"[:-1] + b"\nlast\x02m"
    stream = b"\x02mark\n" + written + b"\x02mark:300;\nlater\x02mark:1;"
    output = Output(MARK, started=False)

    passed = [output.passed(stream[at : at + size]) for at in range(0, len(stream), size)]

    assert b"".join(passed) == written
    assert output.exit_code == 300


def test_text_is_not_held_back() -> None:
    output = Output(MARK, started=True)

    assert output.passed(b"prompt> ") == b"prompt> "


def test_what_another_program_writes_is_not_passed() -> None:
    output = Output(MARK, started=False)

    assert (output.passed(b"OCI runtime"), output.passed(b" failed"), output.started) == (
        b"", b"", False,
    )  # fmt: skip


@pytest.mark.parametrize("first", [b"no mark", b"\x02mark\n\x02mark"], ids=["start", "end"])
def test_what_never_starts_or_ends_is_not_kept(first: bytes) -> None:
    output = Output(MARK, started=False)
    tracemalloc.start()
    try:
        for piece in (first, *[b"x" * 2**16] * 64):
            assert output.passed(piece) == b""
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2**20
