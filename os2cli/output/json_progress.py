"""Progress for programs: one JSON object per line, on stderr."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from os2cli.core.errors import Os2Error
from os2cli.core.plain_text import plain_json
from os2cli.output.progress import HEARTBEAT_SECONDS, RecordingProgress, repeated

# A transfer reports every block it sent; a program needs fewer events.
TRANSFER_SECONDS = 0.5
_WRITE_LOCK = threading.Lock()


def write_event(stream: TextIO, event: str, **fields: Any) -> None:
    """Write one line without fields that are None; lines of threads do not mix."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    present = {key: value for key, value in fields.items() if value is not None}
    line = json.dumps({"time": moment, "event": event, **present}, ensure_ascii=False, default=str)
    with _WRITE_LOCK:
        stream.write(f"{plain_json(line)}\n")
        stream.flush()


class JsonProgress(RecordingProgress):
    """Progress as events, as ``documents.progress`` describes them."""

    def __init__(self, stream: TextIO, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        super().__init__(verbose=True)
        self.stream = stream
        self.heartbeat_seconds = heartbeat_seconds
        self._phase: str | None = None
        self._status: tuple[str, int | None, int | None] | None = None
        self._transferred = 0.0

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """Report when the phase starts and finishes, also if it fails."""
        outer, self._phase, self._status = self._phase, title, None
        self._transferred = 0.0
        started = time.monotonic()
        done = False
        self._event("phase_started")
        try:
            with repeated(self.heartbeat_seconds, self._beat):
                yield
            done = True
        finally:
            seconds = round(time.monotonic() - started, 3)
            self._event("phase_finished", seconds=seconds, ok=done)
            self._phase = outer

    def status(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Report where the phase is, unless it has not changed."""
        if (text, done, total) != self._status:
            self._status = (text, done, total)
            self._event("status", message=text, done=done, total=total)

    def transfer(self, text: str, done: int, total: int) -> None:
        """Report how many bytes have been sent, at intervals and at the end."""
        now = time.monotonic()
        if done >= total or now - self._transferred >= TRANSFER_SECONDS:
            self._transferred = now
            self._event("transfer", message=text, done=done, total=total)

    def log(self, line: str) -> None:
        """Report a line of a log."""
        self._event("log", message=line)

    def notice(self, message: str) -> None:
        """Report a notice."""
        self._event("notice", message=message)

    def warn(self, message: str) -> None:
        """Report a warning."""
        self._event("warning", message=message)

    def _beat(self, elapsed: float) -> None:
        self._event("heartbeat", seconds=round(elapsed, 3))

    def _event(self, event: str, **fields: Any) -> None:
        write_event(self.stream, event, phase=self._phase, **fields)


def write_error(stream: TextIO, error: Os2Error) -> None:
    """Write the event of a failure."""
    write_event(
        stream,
        "error",
        exit_code=error.exit_code,
        code=error.code,
        message=error.message,
        hint=error.hint,
        details=error.details,
        log_tail=list(error.log_tail) or None,
    )
