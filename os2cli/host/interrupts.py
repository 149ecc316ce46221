"""Signals: the first one stops the command cleanly, a later one exits at once.

The first SIGINT, SIGTERM or SIGHUP raises ``Interrupted`` in the main thread, so that every
``finally`` on the way out rolls back. ``doppler run`` and a terminal can both deliver the same
signal: another one within a second counts as the first.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from types import FrameType
from typing import Generic, TypeVar, cast

from os2cli.core.cancellation import Interrupted, check, current_cancellation
from os2cli.core.waiting import abandoned_when
from os2cli.host.safe_points import is_safe_point

__all__ = ["BackgroundCall", "Interrupted", "cleaned_up_by", "deferred", "install_handlers"]
_SAME_SIGNAL_SECONDS = 1.0
_RETRY_SECONDS = 0.005
# On some systems a thread that waits forever in one call does not notice a signal.
_WAKE_SECONDS = 0.2
_Answer = TypeVar("_Answer")


@dataclass(slots=True, eq=False)
class Cleanup:
    """Names of things that may remain, and the command that removes them."""

    command: str
    options: str
    names: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.command} {' '.join(self.names)} {self.options}"


class _Handler:
    """The state between signals, one for the whole process."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.deferring = 0
        self.pending: int | None = None
        self.cleanups: list[Cleanup] = []

    @property
    def remains(self) -> str:
        """The commands that clean up after interrupted work."""
        commands = [str(cleanup) for cleanup in self.cleanups if cleanup.names]
        return f"; to remove what may remain: {' && '.join(commands)}" if commands else ""

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first = now
            self.pending = signum
            self.raise_pending(frame)
        elif now - self.first >= _SAME_SIGNAL_SECONDS:
            message = f"os2: exited at once{self.remains}\n".encode()
            # A closed terminal must not keep the process from exiting.
            with suppress(OSError, ValueError, AttributeError):
                os.write(sys.stderr.fileno(), message)
            os._exit(128 + signum)

    def raise_pending(self, frame: FrameType | None) -> None:
        """Raise ``Interrupted`` for a signal that is pending, or try again in a moment.

        ``frame`` is what it interrupts, None for code that expects it.
        """
        if self.pending is None or self.deferring:
            return
        if not is_safe_point(frame):
            signal.setitimer(signal.ITIMER_REAL, _RETRY_SECONDS)
            return
        pending, self.pending = self.pending, None
        raise Interrupted(pending)


_HANDLER = _Handler()


def install_handlers() -> None:
    """Route the three signals to ``Interrupted``; call once, from the main thread."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup and a shell's background jobs ignore signals: keep it so.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _HANDLER)
    signal.signal(signal.SIGALRM, lambda _, frame: _HANDLER.raise_pending(frame))


@contextmanager
def cleaned_up_by(command: str, options: str) -> Iterator[list[str]]:
    """Let a second signal report the command for the names then in the list, inside the block."""
    cleanup = Cleanup(command, options)
    _HANDLER.cleanups.append(cleanup)
    try:
        yield cleanup.names
    finally:
        _HANDLER.cleanups.remove(cleanup)


@contextmanager
def deferred() -> Iterator[None]:
    """Delay a first signal until the end of the block.

    For requests that create something: after an interrupt it would be unknown what to roll back.
    """
    cancellation = current_cancellation()
    if cancellation is not None:
        cancellation.deferring += 1
        try:
            yield
        finally:
            cancellation.deferring -= 1
            cancellation.check()
        return
    _HANDLER.deferring += 1
    try:
        yield
    finally:
        _HANDLER.deferring -= 1
        # Also after a failure, so that an interrupted command does not retry.
        _HANDLER.raise_pending(None)


class BackgroundCall(Generic[_Answer]):
    """A request in its own thread: a signal ends the wait for it, but not the request.

    For slow requests that create something. Unlike in a ``deferred`` block the signal takes effect
    at once; the caller rolls back what the request returns from ``result_within``.

    With ``at_once`` False, ``answer`` sends the request, so that no signal can arrive before the
    block that rolls back is entered. ``sent``: the request was sent.
    """

    def __init__(self, request: Callable[[], _Answer], *, at_once: bool = True) -> None:
        self._request = request
        self._answer: _Answer | None = None
        self._failure: BaseException | None = None
        # Not the thread's ``join``: after a signal has interrupted one, the next returns at once.
        self._ended = threading.Event()
        self._abandoned = threading.Event()
        self.sent = False
        if at_once:
            self._start()

    def _start(self) -> None:
        self.sent = True
        # In this context: who hears of long waits, and which operation they belong to.
        run = copy_context().run
        threading.Thread(target=run, args=(self._run,), daemon=True).start()

    def _run(self) -> None:
        try:
            # An interrupted operation must not retry a create after its rollback.
            with abandoned_when(self._abandoned.is_set):
                self._answer = self._request()
        except BaseException as error:  # noqa: BLE001  # raised again by ``answer``
            self._failure = error
        finally:
            self._ended.set()

    @property
    def ended(self) -> bool:
        """Whether the request was answered, or has failed."""
        return self._ended.is_set()

    def answer(self) -> _Answer:
        """Wait for the answer and return it, or raise the request's error."""
        if not self.sent:
            self._start()
        try:
            while not self._ended.wait(_WAKE_SECONDS):
                check()
        except BaseException:
            self._abandoned.set()
            raise
        if self._failure is not None:
            raise self._failure
        return cast("_Answer", self._answer)

    def result_within(self, seconds: float) -> _Answer | None:
        """Return the answer if it arrives within ``seconds``, else None, also after an error."""
        if self.sent:
            self._ended.wait(seconds)
        return self._answer
