"""The record of a job for browsers that come late, and a notifier for those that wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from os2cli.core.plain_text import plain_text

MAX_LINES = 2_000
MAX_LINE_LENGTH = 2_000
# How many events a browser may miss and catch up on; after that it gets the whole record again.
MAX_EVENTS = 3_000


def shown_line(text: str) -> str:
    """Return a line as the page shows it; a program may write one of any length."""
    return plain_text(text[: 4 * MAX_LINE_LENGTH])[:MAX_LINE_LENGTH]


class Notifier:
    """Wakes coroutines of any event loop from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()

    def notify(self) -> None:
        """Set the events of all subscribers."""
        with self._lock:
            waiting = list(self._waiting.items())
        for event, loop in waiting:
            # A closed loop has no subscribers left.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def subscribed(self) -> Iterator[asyncio.Event]:
        """Yield an event that each ``notify`` sets."""
        event = asyncio.Event()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
        try:
            yield event
        finally:
            with self._lock:
                del self._waiting[event]


@dataclass
class Phase:
    """A phase of a job; ``seconds`` is None while it runs, ``ok`` is how it ended."""

    title: str
    started: float
    seconds: float | None = None
    ok: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the phase as the page gets it."""
        elapsed = time.monotonic() - self.started if self.seconds is None else self.seconds
        return {"title": self.title, "seconds": round(elapsed, 1), "running": self.seconds is None,
                "ok": self.ok}  # fmt: skip


@dataclass
class Record:
    """Phases, status, messages and the last log lines; every change is an event."""

    notifier: Notifier
    phases: list[Phase] = field(default_factory=list)
    status: str = ""
    messages: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=200))
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    dropped: int = 0
    count: int = 0
    _events: deque[tuple[int, str, dict[str, Any]]] = field(
        default_factory=lambda: deque(maxlen=MAX_EVENTS)
    )
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Record a phase from start to end, also if it fails."""
        phase = Phase(title, time.monotonic())
        with self._lock:
            number = len(self.phases)
            self.phases.append(phase)
            self.status = ""
            self._emit("phase", {"number": number, **phase.as_dict()})
        phase.ok = False
        try:
            yield
            phase.ok = True
        finally:
            with self._lock:
                phase.seconds = time.monotonic() - phase.started
                self._emit("phase", {"number": number, **phase.as_dict()})

    def set_status(self, text: str) -> None:
        """Set the status of the current phase."""
        text = shown_line(text)
        with self._lock:
            if text != self.status:
                self.status = text
                self._emit("status", {"text": text})

    def add_message(self, kind: str, text: str) -> None:
        """Add a notice or a warning."""
        text = shown_line(text)
        with self._lock:
            self.messages.append((kind, text))
            self._emit("message", {"kind": kind, "text": text})

    def log(self, line: str) -> None:
        """Add a log line; the oldest are dropped."""
        line = shown_line(line)
        with self._lock:
            self.dropped += len(self.lines) == MAX_LINES
            self.lines.append(line)
            self._emit("log", {"line": line})

    def end(self, result: dict[str, Any]) -> None:
        """Add the last event."""
        with self._lock:
            self.status = ""
            self._emit("end", result)

    def since(self, number: int) -> list[tuple[int, str, dict[str, Any]]] | None:
        """Return the events after ``number``; None if some of them are gone."""
        with self._lock:
            if number > self.count or (self._events and number < self._events[0][0] - 1):
                return None
            return [event for event in self._events if event[0] > number]

    def all(self) -> dict[str, Any]:
        """Return the whole record as one event."""
        with self._lock:
            return {
                "count": self.count,
                "phases": [phase.as_dict() for phase in self.phases],
                "status": self.status,
                "messages": [{"kind": kind, "text": text} for kind, text in self.messages],
                "lines": list(self.lines),
                "dropped": self.dropped,
            }

    def _emit(self, kind: str, data: dict[str, Any]) -> None:
        self.count += 1
        self._events.append((self.count, kind, data))
        self.notifier.notify()
