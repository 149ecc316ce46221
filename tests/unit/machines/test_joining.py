"""Two creates of one name: the second waits for the machine of the first."""

from __future__ import annotations

import pytest

from os2cli.core.errors import Conflict, OperationFailed, TimedOut
from os2cli.core.models import Health, Machine, MachineSpec, MachineState
from os2cli.core.progress import SILENT, Progress
from os2cli.machines.joining import create_or_join
from tests.clock import Time
from tests.contract.memory import MemoryMachines
from tests.progress import RecordedProgress

SPEC = MachineSpec(name="dev", stage="dev", snapshot="iterate-sandbox:local")


class Contended(MemoryMachines):
    """A provider on which another process creates the machine.

    ``code`` is the error of our creates meanwhile; the other's machine is there from ``appears`` on
    and gone again at ``vanishes``, in seconds of the clock.
    """

    def __init__(self, time: Time, code: str, appears: float, vanishes: float = 1e9) -> None:
        super().__init__()
        self.time, self.code = time, code
        self.appears, self.vanishes = appears, vanishes
        self.creates = 0
        self.other = super().create(SPEC)

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        self.creates += 1
        if self.time.seconds < self.vanishes:
            raise Conflict("it is taken", code=self.code)
        super().remove(spec.name)
        return super().create(spec, progress)

    def get(self, name: str) -> Machine:
        if not self.appears <= self.time.seconds < self.vanishes and self.creates:
            super().get("no machine of this name")
        return super().get(name)


@pytest.mark.parametrize("code", ["machine_exists", "machine_busy", "name_taken"])
@pytest.mark.parametrize("appears", [0.0, 0.1, 1.0, 3.0, 30.0])
def test_the_other_ones_machine_is_returned(code: str, appears: float) -> None:
    time = Time()
    provider, progress = Contended(time, code, time.seconds + appears), RecordedProgress()

    machine = create_or_join(provider, SPEC, wait_seconds=60, progress=progress, clock=time.clock)

    assert machine.id == provider.other.id
    assert machine.health is Health.HEALTHY
    assert [m.state for m in provider.list()] == [MachineState.RUNNING]
    assert len(progress.notices) == 1


def test_if_the_other_one_gives_up_the_machine_is_created() -> None:
    time = Time()
    provider = Contended(time, "machine_busy", time.seconds + 100, time.seconds + 5)

    machine = create_or_join(provider, SPEC, wait_seconds=60, clock=time.clock)

    assert machine.id != provider.other.id
    assert machine.health is Health.HEALTHY


def test_the_wait_ends() -> None:
    time = Time()
    provider = Contended(time, "machine_busy", time.seconds + 1000)

    with pytest.raises(TimedOut, match="another os2 process that creates machine dev"):
        create_or_join(provider, SPEC, wait_seconds=20, clock=time.clock)

    assert provider.creates < 20


@pytest.mark.parametrize("code", ["port_taken", "machine_invalid"])
def test_another_conflict_is_not_waited_out(code: str) -> None:
    time = Time()
    provider = Contended(time, code, time.seconds)

    with pytest.raises(Conflict) as caught:
        create_or_join(provider, SPEC, wait_seconds=20, clock=time.clock)

    assert caught.value.code == code
    assert provider.creates == 1


def test_another_failure_is_not_waited_out() -> None:
    class Failing(MemoryMachines):
        def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
            raise OperationFailed(f"no {spec.name} of {progress}")

    with pytest.raises(OperationFailed, match="no"):
        create_or_join(Failing(), SPEC, wait_seconds=20, clock=Time().clock)
