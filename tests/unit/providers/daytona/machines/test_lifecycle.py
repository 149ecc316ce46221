"""Changes of a machine, asked for and then waited for: removals, starts and stops."""

from __future__ import annotations

import httpx
import pytest

from os2cli.core.errors import Conflict, NotAuthorised, OperationFailed, TimedOut
from os2cli.core.models import MachineState
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from tests.clock import Time
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.sandbox_answers import (
    BY_ID,
    BY_NAME,
    LIST,
    REMOVE,
    START,
    STOP,
    busy,
    none,
    state,
)
from tests.unit.providers.daytona.wires import Wire, ok, refused


class TestRemove:
    def test_waits_until_it_is_gone(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, state("destroying"), state("destroying"), refused(404))

        assert machines.remove("dev-1") is True
        assert time.slept == [0.5, 0.5]

    def test_destroyed_counts_as_gone(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, state("destroyed"))

        assert machines.remove("dev-1") is True

    @pytest.mark.parametrize(
        "answer", [refused(404), ok(sandbox(labels={}))], ids=["missing", "foreign"]
    )
    def test_of_what_is_not_there_removes_nothing(
        self, answer: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, answer)
        if answer.status_code == 404:
            wire.on(LIST, none())

        assert machines.remove("dev-1") is False

    def test_of_a_sandbox_that_is_gone_is_done(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, refused(404)).on(BY_ID, refused(404))

        assert machines.remove("dev-1") is True

    def test_insists_while_another_change_is_under_way(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("starting")).on(REMOVE, busy(), busy(), httpx.Response(200))
        wire.on(BY_ID, refused(404))

        assert machines.remove("dev-1") is True
        assert time.slept == [0.5, 0.5]

    @pytest.mark.usefixtures("time")
    def test_asks_again_after_a_page(self, machines: DaytonaMachines, wire: Wire) -> None:
        """A proxy answers for the API, with 200."""
        page = httpx.Response(200, html="<html>Welcome</html>")
        wire.on(BY_NAME, state("started")).on(REMOVE, page, httpx.Response(200))
        wire.on(BY_ID, refused(404))

        assert machines.remove("dev-1") is True

    def test_gives_up_retrying(self, machines: DaytonaMachines, wire: Wire, time: Time) -> None:
        wire.on(BY_NAME, state("starting")).on(REMOVE, *[busy()] * 181)

        with pytest.raises(TimedOut, match=r"after 90 s: .*state change in progress") as caught:
            machines.remove("dev-1")

        assert (caught.value.exit_code, sum(time.slept)) == (6, 90)
        assert caught.value.hint

    def test_gives_up_waiting_at_its_deadline(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, httpx.Response(200))
        wire.on(BY_ID, *[state("destroying")] * 7)

        with pytest.raises(TimedOut, match="removing machine dev-1 timed out after 3 s"):
            machines.remove("dev-1", within=3)

        assert sum(time.slept) == 3

    def test_says_which_permission_is_missing(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started")).on(REMOVE, refused(403))

        with pytest.raises(NotAuthorised) as caught:
            machines.remove("dev-1")
        assert caught.value.details == {"permission": "delete:sandboxes"}


class TestChange:
    def test_a_start_waits_until_it_runs(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("archived")).on(START, busy(), ok(sandbox(state="starting")))
        wire.on(BY_ID, state("restoring"), state("starting"), state("started"))

        assert machines.start("dev-1").state is MachineState.RUNNING
        assert time.slept == [0.5, 0.5, 0.5]

    def test_a_stop_waits_until_it_has_stopped(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("started")).on(STOP, ok(sandbox(state="stopping")))
        wire.on(BY_ID, state("started"), state("stopping"), state("stopped"))

        assert machines.stop("dev-1").state is MachineState.STOPPED
        assert time.slept == [0.5, 0.5]

    @pytest.mark.parametrize("after", [refused(404), state("destroying"), state("destroyed")])
    def test_a_stop_of_one_that_is_removed_then_is_done(
        self, after: httpx.Response, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("started")).on(STOP, ok({})).on(BY_ID, state("stopping"), after)

        assert machines.stop("dev-1").state is MachineState.REMOVING

    def test_what_is_so_already_is_left_alone(self, machines: DaytonaMachines, wire: Wire) -> None:
        wire.on(BY_NAME, state("started")).on(BY_ID, state("stopped"), state("archived"))

        assert machines.start("dev-1").state is MachineState.RUNNING
        assert machines.stop("dev-1").state is MachineState.STOPPED
        assert machines.stop("dev-1").state is MachineState.STOPPED

    @pytest.mark.parametrize("failed", ["error", "build_failed"])
    def test_one_that_failed_is_not_archived_in_silence(
        self, failed: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state(failed, errorReason="no runner"))

        with pytest.raises(Conflict, match="machine dev-1 has failed: no runner"):
            machines.archive("dev-1")

    @pytest.mark.parametrize(
        ("reason", "said"), [("no such image", "no such image"), (None, "gave no reason")]
    )
    def test_a_failure_has_its_reason(
        self, reason: str | None, said: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("stopped")).on(START, ok({}))
        wire.on(BY_ID, state("starting"), state("error", errorReason=reason))

        with pytest.raises(
            OperationFailed, match=f"starting machine dev-1 failed: .*{said}"
        ) as caught:
            machines.start("dev-1")
        assert caught.value.code == "machine_ended"
        assert "os2 machine rm dev-1" in (caught.value.hint or "")

    def test_a_change_that_never_ends_times_out(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("stopped")).on(START, ok({})).on(BY_ID, *[state("starting")] * 181)

        with pytest.raises(TimedOut, match="starting machine dev-1 timed out after 90 s"):
            machines.start("dev-1")
        assert sum(time.slept) == 90

    @pytest.mark.parametrize(("verb", "line"), [("start", START), ("stop", STOP)])
    def test_says_which_permission_is_missing(
        self, verb: str, line: str, machines: DaytonaMachines, wire: Wire
    ) -> None:
        wire.on(BY_NAME, state("paused")).on(line, refused(403))

        with pytest.raises(NotAuthorised) as caught:
            getattr(machines, verb)("dev-1")
        assert caught.value.details == {"permission": "write:sandboxes"}

    def test_an_inactive_snapshot_is_not_retried(
        self, machines: DaytonaMachines, wire: Wire, time: Time
    ) -> None:
        wire.on(BY_NAME, state("archived")).on(START, refused(400, "Snapshot x is inactive"))

        with pytest.raises(Conflict) as caught:
            machines.start("dev-1")
        assert (caught.value.code, time.slept) == ("snapshot_inactive", [])
