"""What several of the unit tests need."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from os2cli.host.interrupts import Interrupted

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
