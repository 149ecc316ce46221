"""The engine's options for each isolation, and the limits that leave the host alive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.core.limits import Isolation, Limits, Resources
from os2cli.core.models import MachineSpec
from os2cli.providers.local_docker.machines.isolation import (
    CERTIFICATES,
    LOG_BYTES,
    MAX_PROCESSES,
    EngineFacts,
    host_options,
    limits_in_force,
    limits_of,
    writable_directories,
)

GIB = 2**30
FACTS = EngineFacts(memory_bytes=16 * GIB, cpus=8, log_driver="json-file")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def spec(isolation: Isolation = Isolation.DEFAULT, **limits: Any) -> MachineSpec:
    return MachineSpec("dev-1", "dev", "image", resources=Resources(**limits), isolation=isolation)


def options(machine: MachineSpec, facts: EngineFacts = FACTS) -> dict[str, Any]:
    return host_options(machine, limits_of(machine, facts), facts)


class TestOptions:
    @pytest.mark.parametrize("isolation", [Isolation.DEFAULT, Isolation.STRICT])
    def test_it_has_no_capabilities_and_gains_none(self, isolation: Isolation) -> None:
        asked = options(spec(isolation))

        assert asked["cap_drop"] == ["ALL"]
        assert "cap_add" not in asked
        assert asked["security_opt"] == ["no-new-privileges"]
        assert asked["pids_limit"] == MAX_PROCESSES

    def test_only_strict_has_a_root_that_cannot_be_written(self) -> None:
        read_only = [each for each in Isolation if options(spec(each)).get("read_only")]

        assert read_only == [Isolation.STRICT]

    def test_off_asks_for_nothing(self) -> None:
        assert options(spec(Isolation.OFF)) == {}

    @pytest.mark.parametrize("isolation", Isolation)
    def test_the_users_limits_always_win(self, isolation: Isolation) -> None:
        asked = options(spec(isolation, cpu=1.5, memory_bytes=2 * GIB, log_bytes=6 * 2**20))

        assert asked["nano_cpus"] == 1_500_000_000
        # The same: no swap.
        assert asked["mem_limit"] == asked["memswap_limit"] == 2 * GIB
        assert asked["log_config"]["Config"] == {"max-size": str(2 * 2**20), "max-file": "3"}


class TestLimits:
    @given(st.integers(1, 2**50), st.integers(1, 1024))
    def test_the_host_keeps_memory_and_a_part_of_a_cpu(self, memory: int, cpus: int) -> None:
        limits = limits_of(spec(), EngineFacts(memory_bytes=memory, cpus=cpus))

        assert memory * 3 // 4 <= (limits.memory_bytes or memory) <= memory
        if memory >= 4 * 2**20:
            assert limits.memory_bytes is not None
            assert limits.memory_bytes < memory
        assert limits.cpus is None if cpus == 1 else cpus - 1 < (limits.cpus or 0) < cpus

    def test_what_the_engine_cannot_enforce_is_not_asked_for(self) -> None:
        info = dict.fromkeys(("MemoryLimit", "SwapLimit", "CpuCfsQuota", "PidsLimit"), False)
        facts = EngineFacts.of({**info, "MemTotal": 16 * GIB, "NCPU": 8})

        assert limits_of(spec(), facts) == Limits()
        assert set(options(spec(), facts)) == {"cap_drop", "security_opt"}

    @pytest.mark.parametrize("driver", ["json-file", "local"])
    def test_the_log_is_bounded_where_the_driver_can(self, driver: str) -> None:
        facts = EngineFacts(log_driver=driver)

        assert limits_of(spec(), facts).log_bytes == LOG_BYTES
        assert options(spec(), facts)["log_config"]["Type"] == driver

    @pytest.mark.parametrize("driver", ["journald", "syslog", "none"])
    def test_another_driver_stays_and_refuses_a_size(self, driver: str) -> None:
        facts = EngineFacts(log_driver=driver)

        assert "log_config" not in options(spec(), facts)
        with pytest.raises(UsageError, match="--log-size"):
            limits_of(spec(log_bytes=2**20), facts)


class TestAnswers:
    @given(
        ANYTHING | st.fixed_dictionaries({"MemTotal": ANYTHING, "DefaultAddressPools": ANYTHING})
    )
    def test_facts_of_any_shape_are_read(self, info: Any) -> None:
        limits_of(spec(), EngineFacts.of(info))

    @given(ANYTHING | st.fixed_dictionaries({"LogConfig": ANYTHING, "Memory": ANYTHING}))
    def test_limits_of_any_shape_are_read(self, host_config: Any) -> None:
        assert isinstance(limits_in_force(host_config), Limits)

    def test_the_pools_are_those_that_the_engine_is_configured_with(self) -> None:
        info = {"DefaultAddressPools": [{"Base": "10.10.0.0/16", "Size": 24}]}

        assert EngineFacts.of(info).pools == ("10.10.0.0/16",)


class TestWritable:
    def test_its_home_and_directory_stay_writable_each_once(self) -> None:
        image = {"Config": {"Env": ["HOME=/home/node"], "WorkingDir": "/home/node/repo"}}

        found = writable_directories(image, certificates=False)

        assert found[0] == "/home/node"
        assert "/home/node/repo" not in found

    @pytest.mark.parametrize("image", [None, {}, {"Config": None}, {"Config": {"Env": None}}])
    def test_an_image_that_names_none_has_roots_home(self, image: Any) -> None:
        assert "/root" in writable_directories(image, certificates=False)

    def test_the_root_itself_is_never_writable(self) -> None:
        image = {"Config": {"Env": ["HOME=/"], "WorkingDir": "/"}}

        assert not {"", "/"} & set(writable_directories(image, certificates=False))

    def test_certificates_are_added_in_a_volume(self) -> None:
        assert CERTIFICATES in writable_directories({}, certificates=True)
