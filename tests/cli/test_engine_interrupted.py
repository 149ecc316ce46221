"""A signal at each call of ``machine create`` on an engine: nothing is left, or it is named."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.command import Os2
from tests.engine_stub import EngineStub, Fault

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
CREATE = ("machine", "create", "a", "--type", "local-docker", "--no-wait", "--snapshot")
IMAGE = "iterate-sandbox:local"
# Python's start and the load of the tests' host included; an engine that hangs is given 60 s.
SOON_SECONDS = 8.0


@pytest.fixture
def local(os2: Os2, engine: EngineStub) -> Os2:
    """The CLI with the stub as its engine."""
    return Os2(os2.folder, {**os2.env, "DOCKER_HOST": engine.url})


def calls_of_a_create(local: Os2, engine: EngineStub) -> int:
    done = local(*CREATE, IMAGE)
    assert done.status == 0, done.stderr
    count, engine.count = engine.count, 0
    engine.containers.clear()
    return count


@pytest.mark.parametrize(
    ("signum", "fault"),
    [
        (signal.SIGINT, None),
        (signal.SIGINT, Fault.HANG_AFTER),
        (signal.SIGTERM, Fault.HANG_BEFORE),
        (signal.SIGHUP, None),
    ],
)
def test_at_each_call(
    local: Os2, engine: EngineStub, signum: signal.Signals, fault: Fault | None
) -> None:
    for number in range(calls_of_a_create(local, engine)):
        assert_undone(local, engine, signum, number, fault)


def assert_undone(
    local: Os2, engine: EngineStub, signum: signal.Signals, number: int, fault: Fault | None
) -> None:
    """Send a signal when the call arrives, which is answered or not."""
    engine.count, engine.faults = 0, {} if fault is None else {number: fault}
    engine.containers.clear()
    arrived = threading.Event()
    engine.on_request = lambda each: arrived.set() if each == number else None
    process = local.start(*CREATE, IMAGE)
    assert arrived.wait(30)
    sent = time.monotonic()
    process.send_signal(signum)
    _, stderr = process.communicate(timeout=60)
    case = f"call {number}: {stderr}"
    left = "os2-a" in engine.containers
    # Without a fault the command may have ended before the signal arrived.
    assert process.returncode == STATUSES[signum] or (fault is None and process.returncode == 0), (
        case
    )
    if process.returncode:
        assert time.monotonic() - sent < SOON_SECONDS, case
        assert not left or "remove it: os2 machine rm a" in stderr, case
        assert "Traceback" not in stderr, case
