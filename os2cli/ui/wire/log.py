"""The server's log: one line for each event, in a file that does not grow without end."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from traceback import extract_tb

from os2cli.core.plain_text import plain_line
from os2cli.host.private_files import private_folder

FILE = "ui.log"
MAX_FILE_BYTES = 512 * 1024
MAX_LINE_LENGTH = 500
_LOGGERS = ("os2.ui", "uvicorn", "asyncio", "websockets")


@contextmanager
def logging_to(folder: Path) -> Iterator[None]:
    """Write what the server and its libraries report to a file, while in the block.

    Without it, they would print tracebacks to the user's terminal. If the file cannot be written,
    nothing is.
    """
    handler = _handler(folder)
    handler.setFormatter(_OneLine())
    before = {name: logging.getLogger(name) for name in _LOGGERS}
    states = {name: (log.level, log.propagate) for name, log in before.items()}
    for log in before.values():
        log.addHandler(handler)
        log.setLevel(logging.WARNING)
        log.propagate = False
    try:
        yield
    finally:
        for name, log in before.items():
            log.removeHandler(handler)
            log.level, log.propagate = states[name]
        handler.close()


def _handler(folder: Path) -> logging.Handler:
    with suppress(OSError):
        return _PrivateFile(
            private_folder(folder) / FILE, maxBytes=MAX_FILE_BYTES, backupCount=1, delay=False
        )
    return logging.NullHandler()


class _PrivateFile(RotatingFileHandler):
    """A file that only its owner reads, and that a full disk does not make noise about."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return open(descriptor, "a", encoding="utf-8", errors="replace")  # noqa: PTH123

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's
        """Lose the line."""


class _OneLine(logging.Formatter):
    """A record on one line: of an exception its type, text and place."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = f"{self.formatTime(record)} {record.levelname} {record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = extract_tb(error.__traceback__)
            place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
            text = f"{text} {type(error).__name__}: {error}{place}"
        return plain_line(text[: 4 * MAX_LINE_LENGTH])[:MAX_LINE_LENGTH]
