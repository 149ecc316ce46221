"""The standard streams of a command: stdout holds its result, stderr what happens meanwhile.

A stdout that cannot be written fails the command, with an error of its own: other disks fill up as
well. A stderr that cannot be written fails nothing: the work is done, and the exit code reports it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TextIO

_Errors = Callable[[], AbstractContextManager[None]]


class OutputError(OSError):
    """stdout cannot be written, other than because its reader has gone."""


class ReaderGone(BrokenPipeError):
    """The reader of stdout, such as ``head``, has exited."""


@contextmanager
def _result_errors() -> Iterator[None]:
    """Raise the errors of stdout, which differ from those of other files."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone(error.errno, error.strerror) from error
    except OSError as error:
        raise OutputError(error.errno, error.strerror) from error


def _no_errors() -> AbstractContextManager[None]:
    """Let stderr take everything, also if it cannot be kept."""
    return suppress(OSError)


class _Buffer(io.BufferedWriter):
    """A buffer with errors of its own.

    They are not those of the file below it: a signal that raises in a ``write`` of Python would
    leave the buffer full of what the file has already taken, and that would be written again.
    """

    def __init__(self, raw: io.RawIOBase, errors: _Errors, *, at_once: bool) -> None:
        super().__init__(raw)
        self._errors = errors
        self._at_once = at_once

    def write(self, data: Any, /) -> int:
        with self._errors():
            super().write(data)
            if self._at_once:
                super().flush()
        return memoryview(data).nbytes

    def flush(self) -> None:
        with self._errors():
            super().flush()


def prepare_streams() -> None:
    """Replace closed streams, and make all of them accept any character."""
    sys.stdout = _prepared(sys.stdout, _result_errors)
    sys.stderr = _prepared(sys.stderr, _no_errors)


def abandon_stdout() -> None:
    """Send further output nowhere, so that the interpreter does not complain at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _prepared(stream: TextIO | None, errors: _Errors) -> TextIO:
    if stream is None:  # closed with >&-
        return open(os.devnull, "w")  # noqa: PTH123 - open as long as the process
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if _is_file(stream):
        raw = io.FileIO(stream.fileno(), "w", closefd=False)
        # `python -u` writes at once.
        at_once = isinstance(stream.buffer, io.FileIO)
        stream = io.TextIOWrapper(
            _Buffer(raw, errors, at_once=at_once),
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
    return type(raw) is io.FileIO and type(stream.buffer) in (io.BufferedWriter, io.FileIO)
