"""Real signals to real processes, whose clock the test moves."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer, current_thread
from typing import TYPE_CHECKING

import pytest

from os2cli.core.cancellation import Cancellation, Interrupted
from os2cli.core.errors import Conflict, TimedOut, Unreachable
from os2cli.core.waiting import Wait, listening, say
from os2cli.host.interrupts import BackgroundCall

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[3]
DEADLINE_SECONDS = 20
LEFT = "os2: exited at once\n"

# A number on stdin moves the child's clock by that many seconds; the child confirms it.
PRELUDE = """
import os, signal, sys, time

moment = 1000.0
time.monotonic = lambda: moment

from os2cli.host.interrupts import (
    Interrupted, BackgroundCall, cleaned_up_by, deferred, install_handlers
)

def say(text):
    os.write(1, f"{text}\\n".encode())

def wait():
    global moment
    text = b""
    while not text.endswith(b"\\n"):
        text += os.read(0, 1)
    moment += float(text)
    say("on")

install_handlers()
"""
CLEANING = """
try:
    say("ready")
    wait()
    say("ended by itself")
except Interrupted as interrupt:
    say(f"cleaning after {interrupt}")
    wait()
    wait()
    say("cleaned")
    sys.exit(interrupt.exit_code)
"""
BEGUN = f"""
with cleaned_up_by("os2 machine rm", "--yes") as begun, cleaned_up_by("os2 x", "") as none:
    begun += ["a", "b"]
{textwrap.indent(CLEANING, "    ")}
"""
DEFERRING = """
try:
    with deferred():
        with deferred():
            say("ready")
            wait()
            say("made")
        say("noted")
        wait()
    say("not reached")
except Interrupted as interrupt:
    say(f"stopped by {interrupt}")
    sys.exit(interrupt.exit_code)
"""
DEFERRING_FAILURE = """
try:
    with deferred():
        say("ready")
        wait()
        raise ValueError
except Interrupted as interrupt:
    say(f"stopped by {interrupt}")
    sys.exit(interrupt.exit_code)
except ValueError:
    say("failed")
"""
SWALLOWING = """
try:
    say("ready")
    wait()
except Exception:
    say("swallowed")
"""

SHIELDING = """
def request():
    wait()
    say("half done")
    wait()
    return "what was made"

pending = BackgroundCall(request)
try:
    say("ready")
    say(pending.answer())
except Interrupted as interrupt:
    say(f"stopped by {interrupt}")
    say(pending.result_within(20))
    sys.exit(interrupt.exit_code)
"""


@dataclass
class Child:
    """A process running one of the programs above."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self, seconds: float = 0) -> None:
        """Move its clock by ``seconds``, and wait until it confirms."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        assert self.line() == "on"

    def signal(self, signum: signal.Signals) -> None:
        self.process.send_signal(signum)

    def end(self) -> tuple[int, str]:
        """Return its exit code and what it wrote on stderr."""
        _, errors = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, errors


@contextmanager
def child(program: str, *, ignored: str = "") -> Iterator[Child]:
    """Run ``program`` until it is ready, with some signals ignored by its parent, as nohup does."""
    python = [sys.executable, "-c", PRELUDE + program]
    command = ["sh", "-c", f'trap "" {ignored}; exec "$@"', "sh", *python] if ignored else python
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = Timer(DEADLINE_SECONDS, process.kill)
        watchdog.start()
        try:
            started = Child(process)
            assert started.line() == "ready"
            yield started
        finally:
            watchdog.cancel()
            process.kill()


@pytest.mark.parametrize(
    ("signum", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
def test_a_signal_lets_the_command_clean_up_and_end_with_its_status(
    signum: signal.Signals, status: int
) -> None:
    with child(CLEANING) as process:
        process.signal(signum)

        assert process.line() == f"cleaning after {signum.name}"
        process.go_on()
        process.go_on()
        assert process.line() == "cleaned"
        assert process.end() == (status, "")


@pytest.mark.parametrize("seconds", [0, 0.99])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=["same", "another"])
def test_a_second_signal_within_a_second_is_the_first_one_again(
    seconds: float, second: signal.Signals
) -> None:
    with child(CLEANING) as process:
        process.signal(signal.SIGINT)
        assert process.line() == "cleaning after SIGINT"
        process.go_on(seconds)

        process.signal(second)
        process.go_on()

        assert process.line() == "cleaned"
        assert process.end() == (130, "")


@pytest.mark.parametrize(
    ("second", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["same", "another"]
)
def test_a_later_signal_leaves_at_once_and_says_what_may_remain(
    second: signal.Signals, status: int
) -> None:
    with child(CLEANING) as process:
        process.signal(signal.SIGINT)
        assert process.line() == "cleaning after SIGINT"
        process.go_on(1.0)

        process.signal(second)

        assert process.line() == ""
        assert process.end() == (status, LEFT)


def test_a_later_signal_reports_the_command_that_removes_leftovers() -> None:
    with child(BEGUN) as process:
        process.signal(signal.SIGINT)
        assert process.line() == "cleaning after SIGINT"
        process.go_on(1.0)

        process.signal(signal.SIGINT)

        assert process.line() == ""
        said = "os2: exited at once; to remove what may remain: os2 machine rm a b --yes\n"
        assert process.end() == (130, said)


def test_a_later_signal_exits_at_once_even_with_stderr_closed() -> None:
    with child(CLEANING) as process:
        process.signal(signal.SIGHUP)
        assert process.line() == "cleaning after SIGHUP"
        process.go_on(1.0)
        assert process.process.stderr is not None
        process.process.stderr.close()
        process.process.stderr = None

        process.signal(signal.SIGHUP)

        assert process.end()[0] == 129


def test_a_signal_is_not_swallowed_by_except_exception() -> None:
    with child(SWALLOWING) as process:
        process.signal(signal.SIGINT)

        assert process.line() == ""
        status, errors = process.end()
        assert status == 1
        assert "Interrupted: SIGINT" in errors


def test_a_deferred_signal_waits_for_the_end_of_the_outermost_block() -> None:
    with child(DEFERRING) as process:
        process.signal(signal.SIGTERM)
        process.go_on()

        assert process.line() == "made"
        assert process.line() == "noted"
        process.go_on()
        assert process.line() == "stopped by SIGTERM"
        assert process.end() == (143, "")


def test_a_deferred_signal_counts_also_when_the_block_fails() -> None:
    with child(DEFERRING_FAILURE) as process:
        process.signal(signal.SIGINT)
        process.go_on()

        assert process.line() == "stopped by SIGINT"
        assert process.end()[0] == 130


def test_a_block_that_fails_without_a_signal_fails_as_ever() -> None:
    with child(DEFERRING_FAILURE) as process:
        process.go_on()

        assert process.line() == "failed"


def test_a_later_signal_leaves_at_once_even_while_the_first_is_deferred() -> None:
    with child(DEFERRING) as process:
        process.signal(signal.SIGINT)
        process.go_on(1.0)
        assert process.line() == "made"
        assert process.line() == "noted"

        process.signal(signal.SIGINT)

        assert process.end() == (130, LEFT)


@pytest.mark.parametrize(
    ("signum", "name"), [(signal.SIGHUP, "HUP"), (signal.SIGINT, "INT")], ids=["nohup", "shell job"]
)
def test_a_signal_that_the_parent_ignores_stays_ignored(signum: signal.Signals, name: str) -> None:
    with child(CLEANING, ignored=name) as process:
        process.signal(signum)
        process.go_on()

        assert process.line() == "ended by itself"
        assert process.end() == (0, "")


def test_the_others_are_heard_all_the_same() -> None:
    with child(CLEANING, ignored="HUP") as process:
        process.signal(signal.SIGTERM)

        assert process.line() == "cleaning after SIGTERM"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_the_waiting_for_a_shielded_request_but_not_the_request(
    signum: signal.Signals,
) -> None:
    with child(SHIELDING) as process:
        process.signal(signum)

        assert process.line() == f"stopped by {signum.name}"
        process.go_on()
        assert process.line() == "half done"
        process.go_on()
        assert process.line() == "what was made"
        assert process.end() == (128 + signum, "")


def test_a_shielded_request_without_a_signal_is_answered_as_ever() -> None:
    with child(SHIELDING) as process:
        process.go_on()
        assert process.line() == "half done"
        process.go_on()

        assert process.line() == "what was made"
        assert process.end() == (0, "")


def test_a_later_signal_leaves_at_once_also_while_a_shielded_request_goes_on() -> None:
    with child(SHIELDING) as process:
        process.signal(signal.SIGINT)
        assert process.line() == "stopped by SIGINT"
        process.go_on(1.0)
        assert process.line() == "half done"

        process.signal(signal.SIGINT)

        assert process.end() == (130, LEFT)


def test_the_answer_of_a_shielded_request_is_passed_on() -> None:
    assert BackgroundCall(lambda: 7).answer() == 7


def test_a_shielded_request_runs_in_a_thread_of_its_own() -> None:
    assert BackgroundCall(current_thread).answer() is not current_thread()


def test_what_a_shielded_request_fails_with_is_raised_where_it_is_asked_for() -> None:
    def fail() -> None:
        raise Conflict("taken")

    pending = BackgroundCall(fail)

    with pytest.raises(Conflict, match="taken"):
        pending.answer()
    assert pending.result_within(DEADLINE_SECONDS) is None


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    go_on = Event()

    pending = BackgroundCall(lambda: go_on.wait(DEADLINE_SECONDS))

    assert pending.result_within(0.01) is None
    go_on.set()
    assert pending.result_within(DEADLINE_SECONDS) is True


class TestContext:
    def test_a_background_call_has_the_listener_of_its_operation(self) -> None:
        lines: list[str] = []
        with listening(lines.append):
            BackgroundCall(lambda: say("waiting 20 s")).answer()

        assert lines == ["waiting 20 s"]

    def test_a_wait_whose_operation_was_cancelled_does_not_ask_again(self) -> None:
        """A create after the rollback would leave something behind."""
        asked: list[int] = []
        cancellation, ended = Cancellation(), Event()

        def fail() -> None:
            asked.append(1)
            cancellation.cancel()
            raise Unreachable("no answer", transient=True, details={"retry_after_seconds": 2})

        def request() -> None:
            try:
                Wait("x", 60, TimedOut, go_on="os2 x").request(fail)
            finally:
                ended.set()

        with cancellation.listening(), pytest.raises(Interrupted):
            BackgroundCall(request).answer()

        assert ended.wait(DEADLINE_SECONDS)
        assert len(asked) == 1
