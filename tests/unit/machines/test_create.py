"""Creating and starting machines, on a provider in memory and a clock that only waits move."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from os2cli.core.errors import Conflict, NotFound, OperationFailed, TimedOut, Unreachable
from os2cli.core.models import Health, Machine, MachineSpec, MachineState
from os2cli.core.progress import SILENT, Progress
from os2cli.host.interrupts import Interrupted
from os2cli.machines.create import NAME_ATTEMPTS, bring_up, create_machine
from os2cli.machines.health import list_with_health, wait_until_healthy, with_health
from os2cli.machines.names import validate_machine_name
from tests.clock import Time
from tests.contract.memory import MemoryMachines
from tests.progress import RecordedProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGE = "iterate-sandbox:local"
SPEC = MachineSpec(name="dev-1", stage="dev-test", snapshot=IMAGE)
MEET_SECONDS = 10


class InterruptedAfter(Progress):
    """A listener that gets a signal at the end of one phase."""

    def __init__(self, title: str) -> None:
        self.title = title

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        yield
        if title == self.title:
            raise Interrupted(signal.SIGINT)


def interrupt() -> None:
    raise Interrupted(signal.SIGINT)


def after(probes: int) -> MemoryMachines:
    """Return a provider whose machines are healthy at that probe."""
    return MemoryMachines(answers=[*[Health.STARTING] * (probes - 1), Health.HEALTHY])


def never() -> MemoryMachines:
    return MemoryMachines(answers=[Health.STARTING])


class TestCreate:
    @pytest.mark.parametrize("probes", [1, 2, 7])
    def test_a_machine_is_returned_healthy_after_as_many_probes_as_it_takes(
        self, probes: int
    ) -> None:
        provider, time = after(probes), Time()

        machine = create_machine(provider, SPEC, wait_seconds=60, clock=time.clock)

        assert machine.health is Health.HEALTHY
        assert len(time.slept) == probes - 1
        assert [m.name for m in provider.list()] == ["dev-1"]

    def test_the_phases_are_reported_in_order(self) -> None:
        listener = RecordedProgress()

        create_machine(after(2), SPEC, wait_seconds=60, progress=listener, clock=Time().clock)

        assert listener.titles == ["create", "healthy"]
        assert listener.states == ["creating dev-1", "waiting for dev-1 to answer"]

    def test_without_a_wait_a_machine_is_returned_as_it_was_created(self) -> None:
        provider, time = never(), Time()

        machine = create_machine(provider, SPEC, wait_seconds=None, clock=time.clock)

        assert machine.health is Health.STARTING
        assert time.slept == []

    def test_an_empty_name_is_replaced_by_a_valid_one(self) -> None:
        spec = MachineSpec(name="", stage="dev-test", snapshot=IMAGE)

        machine = create_machine(MemoryMachines(), spec, wait_seconds=None)

        assert validate_machine_name(machine.name)

    @pytest.mark.parametrize("code", ["machine_exists", "name_taken", "machine_busy"])
    def test_a_generated_name_that_is_taken_is_replaced(self, code: str) -> None:
        provider = FirstNamesTaken(NAME_ATTEMPTS - 1, code)

        machine = create_machine(provider, NAMELESS, wait_seconds=None)

        assert len(provider.refused) == NAME_ATTEMPTS - 1
        assert [m.name for m in provider.list()] == [machine.name]

    def test_when_every_generated_name_is_taken_the_user_must_name_it(self) -> None:
        with pytest.raises(Conflict, match="no free name") as caught:
            create_machine(
                FirstNamesTaken(NAME_ATTEMPTS, "machine_exists"), NAMELESS, wait_seconds=None
            )

        assert caught.value.hint == "name the machine: os2 machine create NAME"

    def test_another_conflict_is_not_met_with_another_name(self) -> None:
        provider = FirstNamesTaken(1, "port_taken")

        with pytest.raises(Conflict) as caught:
            create_machine(provider, NAMELESS, wait_seconds=None)

        assert caught.value.code == "port_taken"
        assert len(provider.refused) == 1

    def test_a_name_that_was_given_is_not_replaced(self) -> None:
        provider = MemoryMachines()
        provider.create(SPEC)

        with pytest.raises(Conflict) as caught:
            create_machine(provider, SPEC, wait_seconds=60, clock=Time().clock)

        assert caught.value.code == "machine_exists"
        assert [m.name for m in provider.list()] == ["dev-1"]


class TestCreateThatFails:
    def test_a_machine_that_ended_is_explained_by_the_step_that_failed(self) -> None:
        provider, time = never(), Time()
        time.events[3] = lambda: fail(
            provider,
            "cloning",
            "entry: step install failed: pnpm ended with 1",
            "entry: step clone failed: no such repository",
            "bye",
        )

        with pytest.raises(OperationFailed) as caught:
            create_machine(provider, SPEC, wait_seconds=60, clock=time.clock)

        error = caught.value
        assert error.code == "machine_ended"
        assert error.message == (
            "machine dev-1 stopped before it was healthy: "
            "entry: step clone failed: no such repository"
        )
        assert error.hint == "the lines above are the end of its log"
        assert error.log_tail[-1] == "bye"
        assert len(time.slept) == 3
        assert provider.list() == []

    def test_without_a_failed_step_the_state_is_reported(self) -> None:
        provider, time = never(), Time()
        time.events[1] = lambda: fail(provider, "it said entry: step clone failed, but not first")

        with pytest.raises(OperationFailed, match=r"healthy: its state is failed$"):
            create_machine(provider, SPEC, wait_seconds=60, clock=time.clock)

    def test_without_a_log_none_is_promised(self) -> None:
        provider = Silent(answers=[Health.STARTING])
        time = Time(events={1: lambda: provider.set_state("dev-1", MachineState.STOPPED)})

        with pytest.raises(OperationFailed) as caught:
            create_machine(provider, SPEC, wait_seconds=60, clock=time.clock)

        assert caught.value.hint == "keep the machine to look into it: --no-wait"
        assert caught.value.log_tail == ()

    def test_a_machine_that_is_not_healthy_in_time_is_removed_and_its_log_shown(self) -> None:
        provider, time = never(), Time()
        time.events[1] = lambda: provider.write_log("dev-1", *map(str, range(25)))

        with pytest.raises(TimedOut) as caught:
            create_machine(provider, SPEC, wait_seconds=2.5, clock=time.clock)

        error = caught.value
        assert error.code == "not_healthy"
        assert error.message == (
            "timed out after 2.5 s waiting for machine dev-1 to be healthy (last state: running)"
        )
        assert "--timeout" in (error.hint or "")
        assert error.log_tail == tuple(map(str, range(5, 25)))
        assert sum(time.slept) == pytest.approx(2.5, abs=MemoryMachines.poll_seconds + 0.01)
        assert provider.list() == []

    def test_an_interrupt_during_the_wait_removes_the_machine(self) -> None:
        provider, time = never(), Time(events={2: interrupt})

        with pytest.raises(Interrupted):
            create_machine(provider, SPEC, wait_seconds=60, clock=time.clock)

        assert provider.list() == []

    @pytest.mark.parametrize("wait_seconds", [None, 60])
    def test_an_interrupt_right_after_the_create_removes_the_machine(
        self, wait_seconds: float | None
    ) -> None:
        provider = MemoryMachines()

        with pytest.raises(Interrupted):
            create_machine(
                provider, SPEC, wait_seconds=wait_seconds, progress=InterruptedAfter("create")
            )

        assert provider.list() == []

    def test_a_machine_that_was_removed_meanwhile_is_not_found(self) -> None:
        provider, time = never(), Time()
        time.events[1] = lambda: removed(provider, "dev-1")

        with pytest.raises(NotFound):
            create_machine(provider, SPEC, wait_seconds=60, clock=time.clock)

    @pytest.mark.parametrize(
        ("event", "expected"),
        [(interrupt, Interrupted), (lambda: None, TimedOut)],
        ids=["interrupt", "timeout"],
    )
    def test_an_undoing_that_fails_does_not_hide_why_it_was_needed(
        self, event: Callable[[], None], expected: type[BaseException]
    ) -> None:
        provider, listener = never(), RecordedProgress()
        provider.failing_removals["dev-1"] = Unreachable("the engine does not answer")
        time = Time(events={1: event})

        with pytest.raises(expected):
            create_machine(provider, SPEC, wait_seconds=1, progress=listener, clock=time.clock)

        assert listener.warnings == [
            "machine dev-1 still exists: the engine does not answer",
            "remove it: os2 machine rm dev-1 --type local-docker --stage dev-test",
        ]


class TestWait:
    @pytest.mark.parametrize(
        "state",
        [
            MachineState.STOPPED,
            MachineState.FAILED,
            MachineState.PAUSED,
            MachineState.REMOVING,
            MachineState.UNKNOWN,
        ],
    )
    def test_a_machine_that_runs_no_more_ends_the_wait(self, state: MachineState) -> None:
        provider = MemoryMachines()
        machine = provider.create(SPEC)
        provider.set_state("dev-1", state)

        with pytest.raises(OperationFailed, match=f"its state is {state.value}"):
            wait_until_healthy(provider, machine, 60, clock=Time().clock)

    def test_a_machine_that_is_still_being_created_is_waited_for(self) -> None:
        provider = MemoryMachines()
        machine = provider.create(SPEC)
        provider.set_state("dev-1", MachineState.CREATING)
        time = Time(events={4: lambda: provider.set_state("dev-1", MachineState.RUNNING)})

        found = wait_until_healthy(provider, machine, 60, clock=time.clock)

        assert found.health is Health.HEALTHY
        assert len(time.slept) == 4

    def test_the_wait_alone_removes_nothing(self) -> None:
        provider = never()
        machine = provider.create(SPEC)

        with pytest.raises(TimedOut):
            wait_until_healthy(provider, machine, 1, clock=Time().clock)

        assert [m.name for m in provider.list()] == ["dev-1"]

    def test_a_healthy_machine_is_not_waited_for_even_without_any_time(self) -> None:
        provider, time = MemoryMachines(), Time()
        machine = provider.create(SPEC)

        found = wait_until_healthy(provider, machine, 0, clock=time.clock)

        assert (found.health, time.slept) == (Health.HEALTHY, [])


class TestBringUp:
    def test_a_missing_machine_is_none(self) -> None:
        assert bring_up(MemoryMachines(), "dev-1", wait_seconds=60, clock=Time().clock) is None

    def test_a_machine_that_another_create_is_at_is_none(self) -> None:
        provider = MemoryMachines()
        provider.create(SPEC)
        provider.set_state("dev-1", MachineState.CREATING)

        assert bring_up(provider, "dev-1", wait_seconds=60, clock=Time().clock) is None
        assert provider.get("dev-1").state is MachineState.CREATING

    def test_a_healthy_machine_is_returned_silently(self) -> None:
        provider, time, listener = MemoryMachines(), Time(), RecordedProgress()
        created = provider.create(SPEC)

        machine = bring_up(provider, "dev-1", wait_seconds=60, progress=listener, clock=time.clock)

        assert machine is not None
        assert (machine.id, machine.health) == (created.id, Health.HEALTHY)
        assert (listener.titles, time.slept) == ([], [])

    @pytest.mark.parametrize(
        "state", [MachineState.STOPPED, MachineState.PAUSED, MachineState.FAILED]
    )
    def test_a_machine_that_does_not_run_is_started_and_waited_for(
        self, state: MachineState
    ) -> None:
        provider, listener, time = after(3), RecordedProgress(), Time()
        created = provider.create(SPEC)
        provider.set_state("dev-1", state)

        machine = bring_up(provider, "dev-1", wait_seconds=60, progress=listener, clock=time.clock)

        assert machine is not None
        assert (machine.id, machine.port) == (created.id, created.port)
        assert (machine.state, machine.health) == (MachineState.RUNNING, Health.HEALTHY)
        assert listener.titles == ["start", "healthy"]

    def test_an_unhealthy_machine_is_waited_for_and_not_restarted(self) -> None:
        provider, listener, time = after(5), RecordedProgress(), Time()
        provider.create(SPEC)

        machine = bring_up(provider, "dev-1", wait_seconds=60, progress=listener, clock=time.clock)

        assert machine is not None
        assert machine.health is Health.HEALTHY
        assert listener.titles == ["healthy"]

    @pytest.mark.parametrize(
        ("events", "expected"),
        [({}, TimedOut), ({2: interrupt}, Interrupted)],
        ids=["timeout", "interrupt"],
    )
    def test_an_existing_machine_survives_every_failure(
        self, events: dict[int, Callable[[], None]], expected: type[BaseException]
    ) -> None:
        provider = never()
        provider.create(SPEC)

        with pytest.raises(expected):
            bring_up(provider, "dev-1", wait_seconds=1, clock=Time(events=events).clock)

        assert [m.name for m in provider.list()] == ["dev-1"]


class TestLook:
    def test_each_machine_is_listed_with_the_health_it_has_now(self) -> None:
        provider = MemoryMachines()
        for name in ("c", "a", "b"):
            provider.create(named(name))
        provider.set_state("b", MachineState.STOPPED)

        found = list_with_health(provider)

        assert [(m.name, m.health) for m in found] == [
            ("a", Health.HEALTHY),
            ("b", Health.NONE),
            ("c", Health.HEALTHY),
        ]

    def test_no_machines_are_an_empty_list(self) -> None:
        assert list_with_health(MemoryMachines()) == []

    def test_machines_are_probed_side_by_side(self) -> None:
        provider = MeetingMachines(3)
        for name in ("a", "b", "c"):
            provider.create(named(name))

        assert [m.health for m in list_with_health(provider)] == [Health.HEALTHY] * 3

    def test_one_machine_gets_the_health_it_has_now(self) -> None:
        provider = MemoryMachines()
        created = provider.create(SPEC)

        assert created.health is Health.STARTING
        assert with_health(provider, created).health is Health.HEALTHY


NAMELESS = MachineSpec(name="", stage="dev-test", snapshot=IMAGE)


def named(name: str) -> MachineSpec:
    return MachineSpec(name=name, stage="dev-test", snapshot=IMAGE)


def fail(provider: MemoryMachines, *log: str) -> None:
    provider.write_log("dev-1", *log)
    provider.set_state("dev-1", MachineState.FAILED)


def removed(provider: MemoryMachines, name: str) -> None:
    assert provider.remove(name)


class Silent(MemoryMachines):
    """Machines that write nothing."""

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        del name, lines
        return ()


class FirstNamesTaken(MemoryMachines):
    """A provider that rejects the first names, as if other processes had taken them."""

    def __init__(self, number: int, code: str) -> None:
        super().__init__()
        self.number = number
        self.code = code
        self.refused: list[str] = []

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        if len(self.refused) < self.number:
            self.refused.append(spec.name)
            raise Conflict(f"{spec.name} is taken", code=self.code)
        return super().create(spec, progress)


class MeetingMachines(MemoryMachines):
    """Machines whose probes continue only once that many run at the same time."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(parties)

    def probe(self, machine: Machine) -> Health:
        self.barrier.wait(MEET_SECONDS)
        return super().probe(machine)
