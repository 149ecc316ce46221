"""Ending the work of a thread as a signal ends that of the main thread: by ``Interrupted``.

``os2 ui`` does every job in a thread of its own, and each can be cancelled alone.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Interrupted(BaseException):
    """A signal asked the command to end; not an ``Exception``, so that nothing swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class Cancellation:
    """Ends the work of one thread, as a signal ends that of the main thread.

    Unlike a signal it is noticed only at a ``check``, in a ``pause`` or while a ``BackgroundCall``
    request is waited for; what else waits has to be ``ended_by`` something. It is told once, so
    that nothing disturbs the undoing.
    """

    def __init__(self) -> None:
        self.deferring = 0
        self._asked = threading.Event()
        self._told = False
        self._closing: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """Whether somebody wants an end."""
        return self._asked.is_set()

    def cancel(self) -> None:
        """Ask for an end; from any thread."""
        self._asked.set()
        for close in list(self._closing):
            with suppress(Exception):
                close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let this thread be the one that is ended."""
        _HERE.cancellation = self
        try:
            yield
        finally:
            del _HERE.cancellation

    def check(self) -> None:
        """Raise ``Interrupted`` when an end was asked for, once; never in a ``deferred`` block."""
        if self._asked.is_set() and not self._told and not self.deferring:
            self._told = True
            raise Interrupted(signal.SIGINT)

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the end is asked for."""
        if self._told or self.deferring:
            time.sleep(seconds)
        else:
            self._asked.wait(seconds)
            self.check()

    @contextmanager
    def ended_by(self, close: Callable[[], None]) -> Iterator[None]:
        """Let ``close`` end what waits inside; what that raises then is ``Interrupted``."""
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
    """What may end this thread, if anything but a signal does."""
    return getattr(_HERE, "cancellation", None)


def check() -> None:
    """Raise ``Interrupted`` in a thread that was asked to end."""
    if (cancellation := current_cancellation()) is not None:
        cancellation.check()


def pause(seconds: float) -> None:
    """Wait for so long; a signal, or whoever cancels this thread, ends it."""
    if (cancellation := current_cancellation()) is not None:
        cancellation.pause(seconds)
    else:
        time.sleep(seconds)


@contextmanager
def ended_by(close: Callable[[], None]) -> Iterator[None]:
    """Let whoever cancels this thread ``close`` what it waits for; a signal needs no such help."""
    cancellation = current_cancellation()
    if cancellation is None:
        yield
        return
    with cancellation.ended_by(close):
        yield
