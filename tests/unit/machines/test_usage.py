"""What machines use: all are asked at once, and one that is bad costs one line."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from os2cli.core.errors import NotFound, OperationFailed
from os2cli.core.limits import Limits, Usage, binary_size, killed_for_memory
from os2cli.core.models import Machine, MachineSpec, MachineState
from os2cli.machines.fleet import LocatedMachine, NotLocated
from os2cli.machines.usage import UsageReader, read_usage, with_memory_kills
from tests.contract.memory import MemoryMachines

IMAGE = "iterate-sandbox:local"


class Measured(MemoryMachines):
    """Machines whose usage is counted; ``silent`` ones never answer, ``broken`` ones fail."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.disks: list[bool] = []
        self.kills = 0
        self.released = threading.Event()

    def usage(self, machine: Machine, *, disk: bool) -> Usage:
        self.disks.append(disk)
        if machine.name in self.silent:
            self.released.wait()
        if machine.name in self.broken:
            raise OperationFailed(f"{machine.name} is broken")
        return Usage(cpu_percent=1.0, disk_bytes=len(self.disks) if disk else None)

    def memory_kills(self, machine: Machine) -> int:
        if machine.name in self.silent:
            self.released.wait()
        return self.kills


@pytest.fixture
def provider() -> Iterator[Measured]:
    machines = Measured()
    yield machines
    machines.released.set()


def place(provider: Measured, name: str) -> LocatedMachine:
    return LocatedMachine(provider.create(MachineSpec(name, "dev", IMAGE)), provider)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


class TestReadings:
    def test_every_kind_of_bad_machine_costs_one_reading(self, provider: Measured) -> None:
        names = ("good", "silent", "broken", "stopped")
        places = [place(provider, name) for name in names]
        provider.silent, provider.broken = {"silent"}, {"broken"}
        provider.set_state("stopped", MachineState.STOPPED)
        places[3] = LocatedMachine(provider.get("stopped"), provider)
        missing = NotLocated("missing", NotFound("machine missing not found"))

        readings = read_usage([*places, missing], disk=False, seconds=0.5)

        assert [reading.name for reading in readings] == [*names, "missing"]
        assert [reading.usage is not None for reading in readings] == [True, *[False] * 4]
        errors = [reading.error for reading in readings if reading.error]
        assert [error.code for error in errors] == [
            "usage_not_known",
            "failed",
            "machine_not_running",
            "not_found",
        ]

    def test_many_silent_ones_take_no_longer_than_one(self, provider: Measured) -> None:
        places = [place(provider, f"silent-{number}") for number in range(20)]
        provider.silent = {each.name for each in places}

        with at_most(5):
            readings = read_usage(places, disk=False, seconds=0.3)

        assert all(reading.error for reading in readings)

    def test_disks_are_seldom_asked_for_and_shown_meanwhile(self, provider: Measured) -> None:
        reader = UsageReader(lambda: [one])
        one = place(provider, "one")

        shown = [reader.read()[0].usage for _ in range(16)]

        assert provider.disks == [True, *[False] * 14, True]
        assert [usage and usage.disk_bytes for usage in shown] == [*[1] * 15, 16]


class TestMemory:
    def test_a_running_machine_tells_how_many_were_killed(self, provider: Measured) -> None:
        one = place(provider, "one")
        provider.kills = 2

        assert with_memory_kills(provider, one.machine).memory_kills == 2

    def test_one_that_does_not_answer_is_not_waited_for(self, provider: Measured) -> None:
        one = place(provider, "one")
        provider.silent = {"one"}

        with at_most(10):
            assert with_memory_kills(provider, one.machine).memory_kills == 0

    @pytest.mark.parametrize(
        ("limit", "line"),
        [
            (2 * 2**30, "killed for memory: limit 2 GiB (--memory)"),
            (1536 * 2**20, "killed for memory: limit 1.5 GiB (--memory)"),
            (256 * 2**20, "killed for memory: limit 256 MiB (--memory)"),
            (None, "killed for memory: no limit (--memory)"),
        ],
    )
    def test_the_line_has_the_limit(self, limit: int | None, line: str) -> None:
        assert killed_for_memory(Limits(memory_bytes=limit)) == line

    def test_sizes_are_binary(self) -> None:
        assert [binary_size(size) for size in (0, 2**20, 2**30)] == ["0 KiB", "1 MiB", "1 GiB"]
