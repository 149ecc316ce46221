"""A client whose wire and time the test decides."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from os2cli.interrupts import Interrupted
from os2cli.providers.daytona.client import DaytonaClient
from tests.unit.providers.daytona.wires import (
    ACCESS,
    DEADLINE_SECONDS,
    Heard,
    Time,
    Wire,
    time_zone,
)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A scripted transport; what was expected and never asked for fails the test."""
    wire = Wire()
    yield wire
    assert not wire.script, f"not asked for: {[line for line, _ in wire.script]}"


@pytest.fixture
def client(wire: Wire, time: Time) -> DaytonaClient:
    return DaytonaClient(ACCESS, transport=wire, clock=time.clock)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def far_away() -> Iterator[None]:
    """This computer's clock shows the time of another zone."""
    with time_zone("JST-9"):
        yield


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
