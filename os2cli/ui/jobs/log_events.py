"""A log that is followed: read by a thread, which ends when nobody looks any more."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from os2cli.core.cancellation import Cancellation, Interrupted
from os2cli.core.errors import Os2Error
from os2cli.output.progress import plain_text
from os2cli.ui.jobs.events import event, is_set_within
from os2cli.ui.jobs.record import MAX_LINE_LENGTH, Notifier

MAX_WAITING = 5_000


class _Reader:
    """Reads lines until the log ends or it is told to stop."""

    def __init__(self, lines: Callable[[], Iterator[str]]) -> None:
        self.notifier = Notifier()
        self.cancellation = Cancellation()
        self.error: Os2Error | None = None
        self.ended = False
        self._lines = lines
        # Whoever writes faster than a browser reads loses the oldest lines.
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        threading.Thread(target=self._read, name="log", daemon=True).start()

    def taken(self) -> list[str]:
        """What came since the last time."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def _read(self) -> None:
        try:
            with self.cancellation.listening():
                for line in self._lines():
                    self.cancellation.check()
                    self._waiting.append(plain_text(line)[:MAX_LINE_LENGTH])
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
    """The lines in bundles, then how it ended."""
    reader = _Reader(lines)
    try:
        with reader.notifier.subscribed() as event_:
            while not closing():
                event_.clear()
                # Asked for first: what came before the end is taken after it.
                ended = reader.ended
                if taken := reader.taken():
                    yield event("lines", taken)
                if ended:
                    error = reader.error
                    told = {"message": error.message, "hint": error.hint} if error else None
                    yield event("end", {"error": told})
                    return
                if not await is_set_within(event_, 1.0) and not reader.ended:
                    yield ": still there\n\n"
    finally:
        reader.cancellation.cancel()
