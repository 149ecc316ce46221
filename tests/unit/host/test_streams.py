"""A signal amid the writing of a line: what is written later does not repeat it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import pytest

from os2cli.host import streams
from os2cli.host.streams import OutputError, ReaderGone, prepare_streams

NAMES = ["stdout", "stderr"]


def write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


class Interruption(BaseException):
    """What a signal raises."""


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Yield a stream of the kind that the interpreter begins with."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        yield stream_of(descriptor)
    finally:
        os.close(descriptor)


def stream_of(descriptor: int) -> TextIO:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")


def interrupted_at(number: int, call: Callable[[], None]) -> bool:
    """Raise at one instruction of a call; return whether it came to that."""
    count = 0

    def event(frame: FrameType, kind: str, _: object) -> Any:
        nonlocal count
        # Elsewhere it may be a callback of the garbage collector.
        if frame.f_globals["__name__"] not in (streams.__name__, "contextlib"):
            return None
        frame.f_trace_opcodes = True
        if kind == "opcode":
            count += 1
            if count == number:
                raise Interruption
        return event

    before = sys.gettrace()
    sys.settrace(event)
    try:
        call()
    except Interruption:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_written_twice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(number: int) -> tuple[str, bool]:
        path = tmp_path / str(number)
        with opened(path) as first:
            monkeypatch.setattr(sys, name, first)
            prepare_streams()
            stream = getattr(sys, name)
            write(stream, "before\n")
            reached = interrupted_at(number, lambda: write(stream, "amid\n"))
            write(stream, "after\n")
        return path.read_text(), reached

    number, reached = 0, True
    while reached:
        number += 1
        text, reached = written(number)
        assert text in ("before\namid\nafter\n", "before\nafter\n"), number
    assert number > 10


def test_what_can_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(Path("/dev/full")) as out, opened(Path("/dev/full")) as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        prepare_streams()

        assert sys.stderr.write("x\n" * 20_000) == 40_000
        sys.stderr.flush()
        sys.stdout.write("x")
        with pytest.raises(OutputError):
            sys.stdout.flush()
        with suppress(OutputError):
            sys.stdout.close()


def test_a_reader_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdout", stream_of(writing))
    prepare_streams()

    sys.stdout.write("x")
    with pytest.raises(ReaderGone):
        sys.stdout.flush()
    with suppress(ReaderGone):
        sys.stdout.close()
    os.close(writing)
