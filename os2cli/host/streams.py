"""The standard streams of a command: stdout holds its result, stderr what happens meanwhile.

A stdout that cannot be written fails the command, with an error of its own: other disks fill up as
well. A stderr that cannot be written fails nothing: the work is done, and the exit code reports it.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO


class OutputError(OSError):
    """stdout cannot be written, other than because its reader has gone."""


class ReaderGone(BrokenPipeError):
    """The reader of stdout, such as ``head``, has exited."""


class _Result(io.FileIO):
    """stdout, whose errors differ from those of other files."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise ReaderGone(error.errno, error.strerror) from error
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from error


class _Commentary(io.FileIO):
    """stderr, which takes everything, also if it cannot be kept."""

    def write(self, data: Any, /) -> int:
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


def prepare_streams() -> None:
    """Replace closed streams, and make all of them accept any character."""
    sys.stdout = _prepared(sys.stdout, _Result)
    sys.stderr = _prepared(sys.stderr, _Commentary)


def abandon_stdout() -> None:
    """Send further output nowhere, so that the interpreter does not complain at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _prepared(stream: TextIO | None, kind: type[io.FileIO]) -> TextIO:
    if stream is None:  # closed with >&-
        return open(os.devnull, "w")  # noqa: PTH123 - open as long as the process
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if _is_file(stream):
        raw: Any = kind(stream.fileno(), "w", closefd=False)
        # `python -u` writes at once.
        is_unbuffered = isinstance(stream.buffer, io.FileIO)
        stream = io.TextIOWrapper(
            raw if is_unbuffered else io.BufferedWriter(raw),
            encoding=stream.encoding,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
    # A terminal that lacks a character shows another one instead.
    stream.reconfigure(errors="replace")
    return stream


def _is_file(stream: io.TextIOWrapper) -> bool:
    """Return whether a stream is the interpreter's own, and not prepared yet."""
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return type(raw) is io.FileIO and isinstance(stream.buffer, io.BufferedWriter | io.FileIO)
