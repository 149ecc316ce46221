"""A thread is ended as a signal ends the main thread: once, and not in the middle of a request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from os2cli.core.cancellation import Cancellation, Interrupted, check, ended_by, pause
from os2cli.host.interrupts import BackgroundCall, deferred
from os2cli.host.locks import exclusive

WAIT_SECONDS = 10


class Worker:
    """Work in a thread that can be cancelled; ``outcome`` is what it returned or raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.cancellation = Cancellation()
        self.outcome: object = None
        self.at_work = threading.Event()
        self._work = work
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.at_work.wait(WAIT_SECONDS)

    def _run(self) -> None:
        try:
            with self.cancellation.listening():
                self.at_work.set()
                self.outcome = self._work()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.outcome = error

    def cancelled(self) -> object:
        self.cancellation.cancel()
        self.thread.join(WAIT_SECONDS)
        assert not self.thread.is_alive()
        return self.outcome


def test_a_pause_ends_at_once() -> None:
    begun = time.monotonic()
    worker = Worker(lambda: pause(60))

    assert isinstance(worker.cancelled(), Interrupted)
    assert time.monotonic() - begun < WAIT_SECONDS


def test_waiting_for_a_request_ends_and_the_request_goes_on() -> None:
    go_on, done = threading.Event(), threading.Event()

    def request() -> None:
        go_on.wait(WAIT_SECONDS)
        done.set()

    worker = Worker(BackgroundCall(request).answer)

    assert isinstance(worker.cancelled(), Interrupted)
    assert not done.is_set()
    go_on.set()
    assert done.wait(WAIT_SECONDS)


def test_it_is_reported_once_so_that_nothing_disturbs_the_undoing() -> None:
    undone: list[str] = []

    def work() -> None:
        try:
            pause(60)
        finally:
            check()
            pause(0.01)
            undone.append("all")

    assert isinstance(Worker(work).cancelled(), Interrupted)
    assert undone == ["all"]


def test_a_deferred_block_comes_to_its_end() -> None:
    inside, go_on = threading.Event(), threading.Event()
    made: list[str] = []

    def work() -> None:
        with deferred():
            inside.set()
            go_on.wait(WAIT_SECONDS)
            check()
            pause(0.01)
            made.append("one")
        made.append("two")

    worker = Worker(work)
    assert inside.wait(WAIT_SECONDS)
    worker.cancellation.cancel()
    go_on.set()

    assert isinstance(worker.cancelled(), Interrupted)
    assert made == ["one"]


def test_what_waits_elsewhere_is_ended_from_outside() -> None:
    hung = threading.Event()

    def work() -> None:
        with ended_by(hung.set):
            hung.wait(WAIT_SECONDS)
            raise OSError("the connection is gone")

    assert isinstance(Worker(work).cancelled(), Interrupted)


def test_what_fails_by_itself_fails_as_before() -> None:
    def work() -> None:
        with ended_by(lambda: None):
            raise OSError("the connection is gone")

    worker = Worker(work)
    worker.thread.join(WAIT_SECONDS)

    assert isinstance(worker.outcome, OSError)


def test_a_lock_is_waited_for_no_longer(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    busy = threading.Event()

    def work() -> None:
        with exclusive(folder, "a", on_busy=busy.set):
            pass

    with exclusive(folder, "a", on_busy=lambda: None):
        worker = Worker(work)
        assert busy.wait(WAIT_SECONDS)
        assert isinstance(worker.cancelled(), Interrupted)
    with exclusive(folder, "a", on_busy=lambda: pytest.fail("it was not let go")):
        pass


def test_other_threads_are_not_concerned() -> None:
    worker = Worker(lambda: pause(0.2))
    worker.cancellation.cancel()

    check()
    with ended_by(lambda: pytest.fail("nobody cancelled this one")):
        pause(0)
