"""Waits that go on to their own deadline, through outages of what they ask.

::

    wait = Wait("snapshot stg--… to be active", 600, late)
    while not done(answer := wait.ask(request)):   # retried while nothing answers
        wait.pause(0.5)                            # raises ``late`` at the deadline

A long wait is reported once, to the listener of this context: a command's output, or a job of the
web UI. A thread has no listener unless it runs in a copy of the context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.deadline import within
from os2cli.core.errors import Conflict, NotFound, Os2Error, TimedOut

# Shorter waits are not worth a line.
SAY_AFTER_SECONDS = 2.0
OUTAGE_PAUSES = (0.3, 0.9, 2.7, 5.0)
# The last question of a wait must have a chance to be answered.
MIN_ANSWER_SECONDS = 3.0
# A time limit for a build must not end the request that starts it.
MIN_ALLOWED_SECONDS = 10.0

_Answer = TypeVar("_Answer")
Listener = Callable[[str], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)
_WAIT: ContextVar[Wait | None] = ContextVar("wait", default=None)
_ALLOWED: ContextVar[float | None] = ContextVar("allowed seconds", default=None)
_ABANDONED: ContextVar[Callable[[], bool] | None] = ContextVar("abandoned", default=None)


def listen(listener: Listener) -> None:
    """Let ``listener`` hear of long waits, in this context and its copies."""
    _LISTENER.set(listener)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let ``listener`` hear of long waits inside the block."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def say(message: str) -> None:
    """Report a long wait in one line."""
    if (listener := _LISTENER.get()) is not None:
        listener(message)


def current_wait() -> Wait | None:
    """Return the wait that retries the request being sent, if one does."""
    return _WAIT.get()


@contextmanager
def allowing(seconds: float | None) -> Iterator[None]:
    """Give requests inside the block that create something ``seconds`` for outages."""
    token = _ALLOWED.set(seconds)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def allowed_seconds(default: float) -> float:
    """Return the seconds that the caller gives a create, or ``default``; enough for one request."""
    allowed = _ALLOWED.get()
    return default if allowed is None else max(allowed, MIN_ALLOWED_SECONDS)


@contextmanager
def abandoned_when(asked: Callable[[], bool]) -> Iterator[None]:
    """Let waits inside the block not ask again once ``asked`` is true."""
    token = _ABANDONED.set(asked)
    try:
        yield
    finally:
        _ABANDONED.reset(token)


def _abandoned() -> bool:
    asked = _ABANDONED.get()
    return asked is not None and asked()


class Wait:
    """One wait for ``goal``, e.g. ``machine dev-1 to be healthy``, of at most ``seconds``.

    ``late`` returns the error of the deadline; it gets why the last question was not answered, or
    nothing. ``go_on`` is the command that goes on waiting.
    """

    def __init__(
        self,
        goal: str,
        seconds: float,
        late: Callable[[str], Os2Error],
        *,
        go_on: str,
        clock: Clock = REAL_TIME,
    ) -> None:
        self.goal = goal
        self.late = late
        self.go_on = go_on
        self.clock = clock
        self._deadline = clock.now() + seconds
        self._outage_since: float | None = None
        self._said = False

    @property
    def left(self) -> float:
        """The seconds to the deadline, at least 0."""
        return max(self._deadline - self.clock.now(), 0.0)

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.clock.now() >= self._deadline

    def pause(self, seconds: float) -> None:
        """Wait before the next question.

        Raises:
            TimedOut: the deadline has passed; as ``late`` returns it.
        """
        if self.over:
            raise self.late("")
        self.clock.sleep(seconds)

    def ask(self, request: Callable[[], _Answer]) -> _Answer:
        """Return the answer to a question; while there is none, ask again to the deadline.

        Raises:
            TimedOut: the deadline has passed; as ``late`` returns it.
            Os2Error: the answer is a failure that waiting does not end; it names the goal.
        """
        try:
            return self.request(request)
        except (NotFound, Conflict, TimedOut):
            # For the caller to explain.
            raise
        except Os2Error as error:
            error.message = f"stopped waiting for {self.goal}: {error.message}"
            hint = f"to go on waiting: {self.go_on}"
            error.hint = f"{error.hint}; then {hint}" if error.hint else hint
            raise

    def request(self, request: Callable[[], _Answer]) -> _Answer:
        """Do the same with a change that is safe to repeat; a refusal stays as it is."""
        failures = 0
        while True:
            began = self.clock.now()
            token = _WAIT.set(self)
            try:
                # All requests of one question end with the wait.
                with within(max(self.left, MIN_ANSWER_SECONDS)):
                    answer = request()
            except Os2Error as error:
                if not error.transient:
                    self._answered()
                    raise
                failures += 1
                self._outlast(error, began, failures)
                if _abandoned():
                    raise
            else:
                self._answered()
                return answer
            finally:
                _WAIT.reset(token)

    def _outlast(self, error: Os2Error, began: float, failures: int) -> None:
        """Pause after a failure; report what becomes long: an outage once, each rate limit."""
        if self.over:
            raise self.late(error.message) from error
        asked_for = float(error.details.get("retry_after_seconds", 0.0))
        pause = OUTAGE_PAUSES[min(failures, len(OUTAGE_PAUSES)) - 1]
        pause = min(max(pause, asked_for), self.left)
        if asked_for:
            if pause >= SAY_AFTER_SECONDS:
                say(f"waiting {pause:.0f} s for {self.goal}: the API's rate limit is reached")
        else:
            self._outage(error, began, pause)
        self.clock.sleep(pause)

    def _outage(self, error: Os2Error, began: float, pause: float) -> None:
        if self._outage_since is None:
            self._outage_since = began
        lasts = self.clock.now() - self._outage_since + pause
        if not self._said and lasts >= SAY_AFTER_SECONDS:
            self._said = True
            say(f"waiting for the API, at most {self.left:.0f} s: {error.message}")

    def _answered(self) -> None:
        if self._said and self._outage_since is not None:
            say(f"the API answers again after {self.clock.now() - self._outage_since:.0f} s")
        self._outage_since, self._said = None, False
