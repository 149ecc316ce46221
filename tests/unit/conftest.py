"""What several of the unit tests need."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from os2cli.host.interrupts import Interrupted
from tests.posthog_server import PostHogServer
from tests.progress import RecordedProgress

DEADLINE_SECONDS = 10


@pytest.fixture
def strike() -> Iterator[Callable[[], None]]:
    """Interrupt the main thread with a real signal, and wait until it has heard it.

    Not with the handlers of ``interrupts``: their second signal ends the process.
    """
    heard = threading.Event()

    def handle(signum: int, frame: FrameType | None) -> None:
        heard.set()
        raise Interrupted(signal.SIGINT)

    def strike() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        assert heard.wait(DEADLINE_SECONDS)

    before = signal.signal(signal.SIGUSR1, handle)
    yield strike
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def posthog() -> Iterator[PostHogServer]:
    """A PostHog that takes events."""
    with PostHogServer() as server:
        yield server


@pytest.fixture
def heard() -> RecordedProgress:
    """A progress display that records what an operation reports."""
    return RecordedProgress()
