"""Signals: the first one stops the command cleanly, a later one leaves at once.

The first SIGINT, SIGTERM or SIGHUP raises ``Interrupted`` in the main thread, so that every
``finally`` on the way out undoes what was begun. ``doppler run`` and a terminal can both deliver
the same signal: one that follows within a second is the first one again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Generic, TypeVar, cast

from os2cli.core.cancellation import Interrupted, check, current_cancellation

__all__ = ["BackgroundCall", "Interrupted", "cleaned_up_by", "deferred", "install_handlers"]
_SAME_SIGNAL_SECONDS = 1.0
# A thread that waits for ever in one call would not notice a signal on every system.
_WAKE_SECONDS = 0.2
_Answer = TypeVar("_Answer")


@dataclass(slots=True, eq=False)
class Cleanup:
    """What was begun under some names, and the command that removes it."""

    command: str
    options: str
    names: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.command} {' '.join(self.names)} {self.options}"


class _Handler:
    """The state between signals; there is one, since signals belong to the whole process."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.deferring = 0
        self.pending: int | None = None
        self.cleanups: list[Cleanup] = []

    @property
    def remains(self) -> str:
        """What cleans up after work that was left in the middle."""
        commands = [str(cleanup) for cleanup in self.cleanups if cleanup.names]
        return f"; what may remain goes with: {' && '.join(commands)}" if commands else ""

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        del frame
        now = time.monotonic()
        if self.first is None:
            self.first = now
            if not self.deferring:
                raise Interrupted(signum)
            self.pending = signum
        elif now - self.first >= _SAME_SIGNAL_SECONDS:
            left = f"os2: left at once{self.remains}\n".encode()
            # A terminal that is gone must not keep the process from leaving.
            with suppress(OSError, ValueError, AttributeError):
                os.write(sys.stderr.fileno(), left)
            os._exit(128 + signum)


_HANDLER = _Handler()


def install_handlers() -> None:
    """Route the three signals to ``Interrupted``; call once, from the main thread."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup and background jobs of a shell set signals to be ignored: leave them so.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _HANDLER)


@contextmanager
def cleaned_up_by(command: str, options: str) -> Iterator[list[str]]:
    """While inside, a second signal tells what to run for the names that are in the list then."""
    cleanup = Cleanup(command, options)
    _HANDLER.cleanups.append(cleanup)
    try:
        yield cleanup.names
    finally:
        _HANDLER.cleanups.remove(cleanup)


@contextmanager
def deferred() -> Iterator[None]:
    """Let a first signal wait until the block's end.

    For requests that make something: interrupted half-way, it could not be known what to undo.
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
        # Also when the block failed: who asked for an end shall not meet another attempt.
        if _HANDLER.pending is not None and not _HANDLER.deferring:
            pending, _HANDLER.pending = _HANDLER.pending, None
            raise Interrupted(pending)


class BackgroundCall(Generic[_Answer]):
    """A request in a thread of its own: a signal ends the waiting for it, but not the request.

    For requests that make something and may take long. Unlike in a ``deferred`` block the signal
    is heard at once; what the request made meanwhile is got with ``result_within`` and undone.

    ``at_once`` False leaves it to ``answer`` to send it: then a signal can't come before the
    block that undoes things has begun. ``sent`` tells whether that has happened.
    """

    def __init__(self, request: Callable[[], _Answer], *, at_once: bool = True) -> None:
        self._request = request
        self._answer: _Answer | None = None
        self._failure: BaseException | None = None
        # Not the thread's ``join``: once a signal has ended one, the next returns at once.
        self._ended = threading.Event()
        self.sent = False
        if at_once:
            self._start()

    def _start(self) -> None:
        self.sent = True
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._answer = self._request()
        except BaseException as error:  # noqa: BLE001  # raised again where the answer is asked for
            self._failure = error
        finally:
            self._ended.set()

    def answer(self) -> _Answer:
        """Wait for the answer and return it, or raise what the request raised."""
        if not self.sent:
            self._start()
        while not self._ended.wait(_WAKE_SECONDS):
            check()
        if self._failure is not None:
            raise self._failure
        return cast("_Answer", self._answer)

    def result_within(self, seconds: float) -> _Answer | None:
        """The answer if it comes within ``seconds``; None when it does not, or is a failure."""
        if self.sent:
            self._ended.wait(seconds)
        return self._answer
