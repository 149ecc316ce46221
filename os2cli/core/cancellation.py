"""Cancel a thread as a signal stops the main thread: with ``Interrupted``.

``os2 ui`` runs every job in its own thread, and each can be cancelled alone.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Interrupted(BaseException):
    """A request to stop, from a signal; not an ``Exception``, so that nothing swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class Cancellation:
    """A request to stop one thread, as a signal stops the main thread.

    Unlike a signal, the thread notices it only at a ``check``, in a ``pause`` or while it waits for
    a ``BackgroundCall``; any other wait must be ``ended_by`` something. ``Interrupted`` is raised
    once, so that nothing disturbs the rollback.
    """

    def __init__(self) -> None:
        self.deferring = 0
        self._asked = threading.Event()
        self._raised = False
        self._closing: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._asked.is_set()

    def cancel(self) -> None:
        """Ask the thread to stop; callable from any thread."""
        self._asked.set()
        for close in list(self._closing):
            with suppress(Exception):
                close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Make the current thread the one to cancel, inside the block."""
        _HERE.cancellation = self
        try:
            yield
        finally:
            del _HERE.cancellation

    def check(self) -> None:
        """Raise ``Interrupted``, once, after ``cancel``; never in a ``deferred`` block."""
        if self._asked.is_set() and not self._raised and not self.deferring:
            self._raised = True
            raise Interrupted(signal.SIGINT)

    def pause(self, seconds: float) -> None:
        """Wait ``seconds``, or until ``cancel`` is called."""
        if self._raised or self.deferring:
            time.sleep(seconds)
        else:
            self._asked.wait(seconds)
            self.check()

    @contextmanager
    def ended_by(self, close: Callable[[], None]) -> Iterator[None]:
        """Let ``cancel`` call ``close`` to end a wait in the block, and raise ``Interrupted``."""
        self._closing.append(close)
        try:
            self.check()
            yield
        except Exception:
            self.check()
            raise
        finally:
            self._closing.remove(close)
        self.check()


_HERE = threading.local()


def current_cancellation() -> Cancellation | None:
    """Return what can cancel this thread, or None in a thread that only signals stop."""
    return getattr(_HERE, "cancellation", None)


def check() -> None:
    """Raise ``Interrupted`` in a thread that was asked to stop."""
    if (cancellation := current_cancellation()) is not None:
        cancellation.check()


def pause(seconds: float) -> None:
    """Wait ``seconds``; a signal or the cancellation of this thread ends the wait."""
    if (cancellation := current_cancellation()) is not None:
        cancellation.pause(seconds)
    else:
        time.sleep(seconds)


@contextmanager
def ended_by(close: Callable[[], None]) -> Iterator[None]:
    """Let the cancellation of this thread ``close`` what it waits for; signals need no help."""
    cancellation = current_cancellation()
    if cancellation is None:
        yield
        return
    with cancellation.ended_by(close):
        yield
