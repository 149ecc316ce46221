"""A followed log: a thread reads it until the browser leaves."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from os2cli.core.cancellation import Cancellation, Interrupted
from os2cli.core.errors import Os2Error
from os2cli.ui.jobs.events import event, is_set_within
from os2cli.ui.jobs.record import Notifier, shown_line

MAX_WAITING = 2_000
MAX_BATCH = 500


class _Reader:
    """Reads lines in a thread until the log ends or the reader is cancelled."""

    def __init__(self, lines: Callable[[], Iterator[str]]) -> None:
        self.notifier = Notifier()
        self.cancellation = Cancellation()
        self.error: Os2Error | None = None
        self.ended = False
        self._lines = lines
        # When a log grows faster than the browser reads, the oldest lines are dropped.
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        threading.Thread(target=self._read, name="log", daemon=True).start()

    def take(self) -> list[str]:
        """Return the next lines, an event's worth of them."""
        lines: list[str] = []
        while self._waiting and len(lines) < MAX_BATCH:
            lines.append(self._waiting.popleft())
        return lines

    def _read(self) -> None:
        try:
            with self.cancellation.listening():
                for line in self._lines():
                    self.cancellation.check()
                    self._waiting.append(shown_line(line))
                    self.notifier.notify()
        except Interrupted:
            return
        except Os2Error as error:
            self.error = error
        finally:
            self.ended = True
            self.notifier.notify()


async def log_events(
    lines: Callable[[], Iterator[str]], closing: Callable[[], bool]
) -> AsyncIterator[str]:
    """Yield the lines in batches, then how the log ended."""
    reader = _Reader(lines)
    try:
        with reader.notifier.subscribed() as event_:
            while not closing():
                event_.clear()
                # Read before the lines, so that the last lines are not missed.
                ended = reader.ended
                if new_lines := reader.take():
                    yield event("lines", new_lines)
                    continue
                if ended:
                    error = reader.error
                    document = {"message": error.message, "hint": error.hint} if error else None
                    yield event("end", {"error": document})
                    return
                if not await is_set_within(event_, 1.0) and not reader.ended:
                    yield ": heartbeat\n\n"
    finally:
        reader.cancellation.cancel()
