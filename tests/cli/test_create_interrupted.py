"""A signal during ``machine create`` on Daytona: nothing is left, or what removes itself."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tests.cli.lives import DAYTONA, DEADLINE
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Fault
from tests.daytona_server.records import RecordedRequest, SandboxRecord
from tests.polling import until

pytestmark = pytest.mark.usefixtures("published")
CREATE = ("machine", "create", *DAYTONA, "a")
STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# Much longer than the five seconds or so that a command takes after a signal.
BOOT_SECONDS = 20.0


def left(daytona: DaytonaServer) -> list[SandboxRecord]:
    return [s for s in daytona.sandboxes if s.state not in ("destroying", "destroyed")]


def end(process: subprocess.Popen[str], signum: signal.Signals = signal.SIGINT) -> str:
    """Send the signal and return stderr; the command waits for no boot."""
    begun = time.monotonic()
    process.send_signal(signum)
    stdout, stderr = process.communicate(timeout=DEADLINE)
    assert (process.returncode, stdout) == (STATUSES[signum], "")
    assert time.monotonic() - begun < BOOT_SECONDS / 2
    return stderr


def assert_removes_itself(cloud: Os2, daytona: DaytonaServer, stderr: str, name: str) -> None:
    """It is named, ``machine prune`` finds it, and it goes by itself once it has started."""
    (sandbox,) = left(daytona)
    assert sandbox.state == "creating"
    assert f"machine {name} still exists: " in stderr
    assert f"remove it: os2 machine rm {name} --type daytona --stage stg" in stderr
    pruned = cloud("machine", "prune", *DAYTONA, "--dry-run", "--json").json()
    assert [(one["name"], one["outcome"]) for one in pruned] == [(name, "planned")]
    until(lambda: sandbox.state == "started", 2 * BOOT_SECONDS)
    daytona.advance(minutes=2)
    until(lambda: left(daytona) == [])


@pytest.mark.parametrize("signum", STATUSES, ids=lambda signum: signum.name)
def test_before_the_answer(cloud: Os2, daytona: DaytonaServer, signum: signal.Signals) -> None:
    daytona.timing.boot, daytona.timing.create_block = BOOT_SECONDS, 600
    process = cloud.start(*CREATE)
    until(lambda: daytona.sandboxes)

    stderr = end(process, signum)

    assert_removes_itself(cloud, daytona, stderr, "a")


def test_after_an_answer_that_got_lost(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.boot, daytona.timing.create_block = BOOT_SECONDS, 0
    daytona.fail_next("POST", "/sandbox", Fault(lose_answer=True))
    daytona.fail_next("GET", "/sandbox/stg--a", Fault(delay=1))
    process = cloud.start(*CREATE)
    until(lambda: daytona.seen("GET", "/sandbox/stg--a"))

    stderr = end(process)

    assert_removes_itself(cloud, daytona, stderr, "a")


def test_while_it_waits_for_the_start(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.boot, daytona.timing.create_block = BOOT_SECONDS, 0
    process = cloud.start(*CREATE)
    until(lambda: daytona.seen("GET", "/sandbox/.+"))

    stderr = end(process)

    assert_removes_itself(cloud, daytona, stderr, "a")


def test_while_it_waits_for_its_health(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.stub_status = 503
    process = cloud.start(*CREATE)
    until(lambda: daytona.preview_requests)

    stderr = end(process)

    assert "still exists" not in stderr
    assert left(daytona) == []


def test_of_several(cloud: Os2, daytona: DaytonaServer) -> None:
    """The first runs and is removed; the second is being created."""
    process = cloud.start(*CREATE, "--count", "3")

    def slow_down(request: RecordedRequest) -> None:
        if (request.method, request.path) == ("POST", "/sandbox") and daytona.sandboxes:
            daytona.timing.boot, daytona.timing.create_block = BOOT_SECONDS, 600

    daytona.on_request = slow_down
    until(lambda: len(daytona.sandboxes) == 2)

    stderr = end(process)

    assert [sandbox.name for sandbox in left(daytona)] == ["stg--a-2"]
    assert_removes_itself(cloud, daytona, stderr, "a-2")


def test_in_its_cache_the_name_is_still_free(cloud: Os2, daytona: DaytonaServer) -> None:
    daytona.timing.boot, daytona.timing.create_block = BOOT_SECONDS, 600
    daytona.timing.list_lag = 1
    daytona.gone_names["stg--a"] = time.monotonic() + 600
    process = cloud.start(*CREATE)
    until(lambda: daytona.sandboxes)

    stderr = end(process)

    daytona.timing.list_lag = 0
    assert_removes_itself(cloud, daytona, stderr, "a")
