"""Starting, stopping and waiting, on machines in memory and a clock that the test moves."""

from __future__ import annotations

import pytest

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error, TimedOut, Unreachable
from os2cli.core.models import Health, Machine, MachineSpec, MachineState, Verb, WaitTarget
from os2cli.machines.fleet import LocatedMachine, NotLocated
from os2cli.machines.states import Change, Changer, wait_for
from tests.clock import Time
from tests.contract.memory import MemoryMachines

GONE = NotFound("there is no machine named x", hint="list them", code="machine_not_found")
DOWN = Unreachable("Daytona is down", hint="try again")


def spec(name: str) -> MachineSpec:
    return MachineSpec(name=name, stage="dev", snapshot="iterate-sandbox:local")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def machines() -> MemoryMachines:
    return MemoryMachines()


def in_state(machines: MemoryMachines, state: MachineState, name: str = "a") -> Machine:
    machines.create(spec(name))
    machines.set_state(name, state)
    return machines.get(name)


def forget(machines: MemoryMachines) -> None:
    machines.remove("a")


def change(changer: Changer, machines: MemoryMachines, machine: Machine) -> Change:
    (one,) = changer.change([LocatedMachine(machine, machines)])
    return one


class TestChanger:
    @pytest.mark.parametrize(
        ("verb", "before", "outcome", "after"),
        [
            (Verb.START, MachineState.STOPPED, "started", MachineState.RUNNING),
            (Verb.START, MachineState.PAUSED, "started", MachineState.RUNNING),
            (Verb.START, MachineState.FAILED, "started", MachineState.RUNNING),
            (Verb.START, MachineState.RUNNING, "unchanged", MachineState.RUNNING),
            (Verb.STOP, MachineState.RUNNING, "stopped", MachineState.STOPPED),
            (Verb.STOP, MachineState.PAUSED, "stopped", MachineState.STOPPED),
            (Verb.STOP, MachineState.STOPPED, "unchanged", MachineState.STOPPED),
            (Verb.RESTART, MachineState.RUNNING, "restarted", MachineState.RUNNING),
            (Verb.RESTART, MachineState.STOPPED, "restarted", MachineState.RUNNING),
            (Verb.ARCHIVE, MachineState.RUNNING, "archived", MachineState.STOPPED),
            (Verb.ARCHIVE, MachineState.STOPPED, "unchanged", MachineState.STOPPED),
        ],
    )
    def test_says_what_it_changed(
        self,
        machines: MemoryMachines,
        verb: Verb,
        before: MachineState,
        outcome: str,
        after: MachineState,
    ) -> None:
        done = change(Changer(verb), machines, in_state(machines, before))

        assert (done.outcome, done.error) == (outcome, None)
        assert machines.get("a").state is after

    def test_restarting_really_stops(self) -> None:
        seen: list[str] = []

        class Watched(MemoryMachines):
            def stop(self, name: str, within: float | None = None) -> Machine:
                seen.append(f"stop {within}")
                return super().stop(name, within)

            def start(self, name: str, within: float | None = None) -> Machine:
                seen.append(f"start {within}")
                return super().start(name, within)

        watched = Watched()
        change(Changer(Verb.RESTART, within=7), watched, watched.create(spec("a")))

        assert seen == ["stop 7", "start 7"]

    def test_one_that_is_started_is_waited_for(self, time: Time) -> None:
        machines = MemoryMachines(answers=[Health.STARTING, Health.STARTING, Health.HEALTHY])
        machine = in_state(machines, MachineState.STOPPED)
        changer = Changer(Verb.START, healthy_seconds=5, clock=time.clock)

        done = change(changer, machines, machine)

        assert done.machine is not None
        assert done.machine.health is Health.HEALTHY
        assert len(time.slept) == 2

    def test_one_that_does_not_become_healthy_failed(self, time: Time) -> None:
        machines = MemoryMachines(answers=[Health.STARTING])
        machine = in_state(machines, MachineState.STOPPED)

        done = change(Changer(Verb.START, healthy_seconds=5, clock=time.clock), machines, machine)

        assert done.outcome == "failed"
        assert isinstance(done.error, TimedOut)
        assert machines.get("a").state is MachineState.RUNNING

    def test_without_a_wait_health_is_not_probed(self, time: Time) -> None:
        machines = MemoryMachines(answers=[Health.STARTING])
        machine = in_state(machines, MachineState.STOPPED)

        assert change(Changer(Verb.START, clock=time.clock), machines, machine).error is None
        assert time.slept == []

    def test_each_has_an_outcome_of_its_own_in_the_order_that_was_said(
        self, machines: MemoryMachines
    ) -> None:
        b = in_state(machines, MachineState.RUNNING, "b")
        a = in_state(machines, MachineState.STOPPED, "a")
        vanished = in_state(machines, MachineState.RUNNING, "v")
        machines.remove("v")

        done = Changer(Verb.STOP).change(
            [
                NotLocated("x", GONE),
                LocatedMachine(b, machines),
                NotLocated("down", DOWN),
                LocatedMachine(vanished, machines),
                LocatedMachine(a, machines),
            ]
        )

        assert [(one.name, one.outcome) for one in done] == [
            ("x", "missing"),
            ("b", "stopped"),
            ("down", "failed"),
            ("v", "missing"),
            ("a", "unchanged"),
        ]
        assert done[2].error is DOWN


RUNS = frozenset({MachineState.RUNNING})
ENDED = frozenset({MachineState.STOPPED, MachineState.FAILED, MachineState.REMOVING})
GOALS = {
    Verb.START: RUNS,
    # Its stop has no effect if the machine runs, and else its start.
    Verb.RESTART: frozenset[MachineState](),
    Verb.STOP: ENDED,
    Verb.ARCHIVE: ENDED,
}


class Deaf(MemoryMachines):
    """A provider that accepts every change, after which its machines are as they are."""

    def start(self, name: str, within: float | None = None) -> Machine:
        del within
        return self.get(name)

    stop = start


class TestWithoutEffect:
    @pytest.mark.parametrize("state", MachineState)
    @pytest.mark.parametrize("verb", Verb)
    def test_a_state_that_is_not_the_verbs_is_an_error(
        self, verb: Verb, state: MachineState
    ) -> None:
        machines = Deaf()

        done = change(Changer(verb), machines, in_state(machines, state))

        if state in GOALS[verb]:
            assert done.error is None
            return
        assert done.outcome == "failed"
        assert isinstance(done.error, OperationFailed)
        assert done.error.code == "change_without_effect"
        assert "machine a" in done.error.message
        assert "os2 machine" in str(done.error.hint)

    def test_one_that_ends_as_it_starts_is_an_error(self) -> None:
        class Ending(MemoryMachines):
            def start(self, name: str, within: float | None = None) -> Machine:
                super().start(name, within)
                self.set_state(name, MachineState.FAILED)
                return self.get(name)

        machines = Ending()

        done = change(Changer(Verb.START), machines, in_state(machines, MachineState.STOPPED))

        assert isinstance(done.error, OperationFailed)
        assert done.error.hint == "see why: os2 machine logs a"


class TestWaiting:
    @pytest.mark.parametrize(
        ("goal", "state"),
        [
            (WaitTarget.HEALTHY, MachineState.RUNNING),
            (WaitTarget.RUNNING, MachineState.RUNNING),
            (WaitTarget.STOPPED, MachineState.STOPPED),
            (WaitTarget.STOPPED, MachineState.FAILED),
        ],
    )
    def test_what_is_so_is_not_waited_for(
        self, machines: MemoryMachines, time: Time, goal: WaitTarget, state: MachineState
    ) -> None:
        found = wait_for(machines, in_state(machines, state), goal, 5, clock=time.clock)

        assert (found.state, time.slept) == (state, [])
        assert (found.health is Health.HEALTHY) == (state is MachineState.RUNNING)

    @pytest.mark.parametrize("goal", list(WaitTarget))
    @pytest.mark.parametrize("before", [MachineState.CREATING, MachineState.UNKNOWN])
    def test_what_comes_about_is_seen(
        self, machines: MemoryMachines, time: Time, goal: WaitTarget, before: MachineState
    ) -> None:
        after = MachineState.STOPPED if goal is WaitTarget.STOPPED else MachineState.RUNNING
        machine = in_state(machines, before)
        time.events[2] = lambda: machines.set_state("a", after)

        found = wait_for(machines, machine, goal, 5, clock=time.clock)

        assert found.state is after
        assert 2 <= len(time.slept) <= 3

    @pytest.mark.parametrize("goal", [WaitTarget.HEALTHY, WaitTarget.RUNNING])
    @pytest.mark.parametrize(
        "state", [MachineState.STOPPED, MachineState.FAILED, MachineState.PAUSED]
    )
    def test_a_state_that_needs_a_command_is_not_waited_for(
        self, machines: MemoryMachines, time: Time, goal: WaitTarget, state: MachineState
    ) -> None:
        with pytest.raises(Conflict) as caught:
            wait_for(machines, in_state(machines, state), goal, 5, clock=time.clock)

        assert caught.value.hint == "start it: os2 machine start a"
        assert time.slept == []

    @pytest.mark.parametrize("goal", list(WaitTarget))
    def test_one_that_is_being_removed_is_as_good_as_gone(
        self, machines: MemoryMachines, time: Time, goal: WaitTarget
    ) -> None:
        with pytest.raises(NotFound) as caught:
            wait_for(machines, in_state(machines, MachineState.REMOVING), goal, 5, clock=time.clock)

        assert (caught.value.code, bool(caught.value.hint)) == ("machine_not_found", True)

    @pytest.mark.parametrize(
        ("goal", "state"),
        [
            (WaitTarget.HEALTHY, MachineState.UNKNOWN),
            (WaitTarget.RUNNING, MachineState.CREATING),
            (WaitTarget.STOPPED, MachineState.RUNNING),
        ],
    )
    def test_the_deadline_is_kept_and_the_last_state_told(
        self, machines: MemoryMachines, time: Time, goal: WaitTarget, state: MachineState
    ) -> None:
        machine = in_state(machines, state)

        with pytest.raises(TimedOut, match=rf"after 5 s .*{state.value}") as caught:
            wait_for(machines, machine, goal, 5, clock=time.clock)

        assert "--timeout" in (caught.value.hint or "")
        assert 5 <= sum(time.slept) <= 5 + 2 * machines.poll_seconds

    def test_one_that_is_never_healthy_is_too_late(self, time: Time) -> None:
        machines = MemoryMachines(answers=[Health.STARTING])

        with pytest.raises(TimedOut, match=r"after 5 s .* to be healthy"):
            wait_for(machines, machines.create(spec("a")), WaitTarget.HEALTHY, 5, clock=time.clock)

    def test_one_that_ends_while_it_is_waited_for_tells_its_last_words(self, time: Time) -> None:
        machines = MemoryMachines(answers=[Health.STARTING])
        machine = machines.create(spec("a"))
        machines.write_log("a", "entry: step repository failed: no such branch")
        time.events[1] = lambda: machines.set_state("a", MachineState.FAILED)

        with pytest.raises(OperationFailed, match="no such branch") as caught:
            wait_for(machines, machine, WaitTarget.HEALTHY, 5, clock=time.clock)

        assert caught.value.log_tail

    @pytest.mark.parametrize("goal", list(WaitTarget))
    def test_one_that_is_removed_meanwhile_is_not_found(
        self, machines: MemoryMachines, time: Time, goal: WaitTarget
    ) -> None:
        machine = in_state(machines, MachineState.UNKNOWN)
        time.events[1] = lambda: forget(machines)

        with pytest.raises(Os2Error) as caught:
            wait_for(machines, machine, goal, 5, clock=time.clock)

        assert caught.value.exit_code == 3
