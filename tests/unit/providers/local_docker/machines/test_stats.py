"""What an engine's samples mean, in both versions of cgroups and in any shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.limits import Limits
from os2cli.core.models import Machine
from os2cli.providers.local_docker.machines.containers import machine_from_inspection
from os2cli.providers.local_docker.machines.stats import usage_of
from tests.unit.providers.local_docker.machines.test_containers import inspection
from tests.unit.providers.local_docker.machines.test_isolation import ANYTHING

MIB = 2**20
V1 = {"usage": 100 * MIB, "stats": {"total_inactive_file": 30 * MIB, "inactive_file": MIB}}
V2 = {"usage": 100 * MIB, "stats": {"inactive_file": 30 * MIB}}


@pytest.fixture(scope="module")
def machine() -> Machine:
    host = {"PortBindings": {}, "Memory": 2**30}
    return machine_from_inspection(inspection(HostConfig=host))


def sample(memory: dict[str, Any]) -> dict[str, Any]:
    def cpu(used: int, system: int) -> dict[str, Any]:
        usage = {"cpu_usage": {"total_usage": used}, "system_cpu_usage": system}
        return {**usage, "online_cpus": 4}

    return {
        "memory_stats": memory,
        "pids_stats": {"current": 31},
        "cpu_stats": cpu(3_000, 12_000),
        "precpu_stats": cpu(1_000, 4_000),
    }


@pytest.mark.parametrize("memory", [V1, V2])
def test_memory_that_the_kernel_can_drop_is_not_used(
    machine: Machine, memory: dict[str, Any]
) -> None:
    usage = usage_of(sample(memory), machine)

    assert usage.memory_bytes == 70 * MIB
    assert usage.processes == 31
    assert usage.limits == Limits(memory_bytes=2**30)


def test_one_busy_cpu_is_100_percent(machine: Machine) -> None:
    assert usage_of(sample(V2), machine).cpu_percent == 100


@pytest.mark.parametrize("part", ["cpu_stats", "precpu_stats"])
def test_without_a_second_sample_the_cpu_is_not_known(machine: Machine, part: str) -> None:
    assert usage_of({**sample(V2), part: {}}, machine).cpu_percent is None


@given(
    ANYTHING
    | st.fixed_dictionaries(
        {"memory_stats": ANYTHING, "cpu_stats": ANYTHING, "pids_stats": ANYTHING}
    )
)
def test_a_sample_of_any_shape_is_read(stats: Any) -> None:
    usage_of(stats, machine_from_inspection(inspection()))
