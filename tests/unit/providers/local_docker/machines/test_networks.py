"""A network for each machine: free addresses, and what is left of it."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import Conflict
from os2cli.core.models import MachineSpec, MachineState
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.name_locks import NameLocks
from os2cli.providers.local_docker.machines.networks import (
    DEFAULT_POOLS,
    create_network,
    free_subnets,
    networks_left,
    remove_network_left,
    remove_networks,
)
from tests.engine_stub import EngineStub

SPEC = MachineSpec("dev-1", "dev", "image", owner="jonas@laptop")
ME = NameLocks(Path("/nonexistent/my-locks"))
OVERLAPS = "Pool overlaps with other one on this address space"
EXHAUSTED = "could not find an available, non-overlapping IPv4 address pool among the defaults"


class Refusing(EngineStub):
    """An engine that answers creates of networks with the next of ``refusals``."""

    refusals: list[str]

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path.endswith("/networks/create") and self.refusals:
            return 403, {"message": self.refusals.pop(0)}
        return super().answer(method, path, body)


class Unfiltered(EngineStub):
    """An engine that knows no filters."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        return super().answer(method, path.partition("?filters")[0], body)


def create(engine: Engine, creator: str = ME.creator, request: str = "one") -> str:
    marks = {labels.CREATOR: creator, labels.REQUEST: request}
    return create_network(engine, SPEC, (), marks)


def make_old(stub: EngineStub) -> None:
    for network in stub.networks.values():
        network["Labels"][labels.CREATED] = "2026-01-11T19:30:45Z"


def refuse(stub: EngineStub, *refusals: str) -> None:
    stub.__class__ = Refusing
    stub.refusals = list(refusals)  # type: ignore[attr-defined]


class TestAddresses:
    @given(
        st.lists(
            st.builds(
                lambda third, fourth, size: ipaddress.IPv4Network(
                    f"192.168.{third}.{fourth}/{size}", strict=False
                ),
                st.integers(0, 255),
                st.integers(0, 255),
                st.integers(20, 32),
            ),
            max_size=8,
        )
    )
    def test_they_overlap_nothing_and_each_other_neither(
        self, taken: list[ipaddress.IPv4Network]
    ) -> None:
        found = [ipaddress.IPv4Network(each) for each in free_subnets(DEFAULT_POOLS, taken)]

        assert not [each for each in found if any(each.overlaps(other) for other in taken)]
        assert len({each.network_address for each in found}) == len(found)
        assert all(each.subnet_of(ipaddress.IPv4Network(DEFAULT_POOLS[0])) for each in found)

    def test_there_are_enough_for_a_thousand_machines(self) -> None:
        assert len(list(free_subnets(DEFAULT_POOLS, []))) >= 1000

    @pytest.mark.parametrize("pool", ["", "nonsense", "fd00::/64", "10.0.0.0/30", "10.0.0.1/8"])
    def test_a_pool_that_cannot_be_used_is_left_out(self, pool: str) -> None:
        assert list(free_subnets([pool], [])) == []

    def test_two_processes_seldom_try_the_same_first(self) -> None:
        assert len({next(free_subnets(DEFAULT_POOLS, [])) for _ in range(20)}) > 1


class TestCreate:
    def test_it_has_the_machines_name_and_labels(self, stub: EngineStub, engine: Engine) -> None:
        create(engine)

        (network,) = stub.networks.values()
        assert network["Id"] == "os2-dev-1"
        assert network["Labels"]["dev.os2.name"] == "dev-1"

    def test_addresses_that_were_taken_meanwhile_are_not_the_last(
        self, stub: EngineStub, engine: Engine
    ) -> None:
        refuse(stub, OVERLAPS, OVERLAPS, OVERLAPS)

        assert create(engine) == "os2-dev-1"

    @pytest.mark.parametrize(
        "refusal",
        [
            "network with name os2-dev-1 already exists",
            "network name os2-dev-1 already used: network already exists",
        ],
        ids=["docker", "podman"],
    )
    def test_that_of_another_create_means_that_the_machine_is_being_created(
        self, stub: EngineStub, engine: Engine, refusal: str
    ) -> None:
        refuse(stub, refusal)

        with pytest.raises(Conflict) as caught:
            create(engine)

        assert caught.value.code == "machine_busy"

    def test_an_engine_without_any_left_is_said_plainly(
        self, stub: EngineStub, engine: Engine
    ) -> None:
        refuse(stub, *[OVERLAPS] * 50, EXHAUSTED)

        with pytest.raises(Conflict) as caught:
            create(engine)

        assert caught.value.code == "networks_exhausted"
        assert "--isolation off" in str(caught.value.hint)


class TestLeft:
    def test_a_network_without_a_machine_is_found(self, engine: Engine) -> None:
        create(engine)

        (left,) = networks_left(engine, ME)

        assert (left.name, left.stage, left.state) == ("dev-1", "dev", MachineState.FAILED)
        assert left.created > datetime(2026, 1, 1, tzinfo=UTC)
        assert left.reason

    def test_that_of_a_machine_that_is_there_is_not(self, stub: EngineStub, engine: Engine) -> None:
        create(engine)
        stub.containers["os2-dev-1"] = {"Config": {"Labels": {"dev.os2.name": "dev-1"}}}

        assert networks_left(engine, ME) == []

    def test_it_is_removed_once(self, stub: EngineStub, engine: Engine) -> None:
        create(engine)

        assert remove_networks(engine, "dev-1", creator=ME.creator)
        assert not remove_networks(engine, "dev-1", creator=ME.creator)
        assert stub.networks == {}

    def test_nothing_else_is_removed_if_the_engine_knows_no_filters(
        self, stub: EngineStub, engine: Engine
    ) -> None:
        create(engine)
        stub.add_foreign("theirs")
        stub.networks["os2-dev-2"] = {**stub.networks["os2-dev-1"], "Id": "os2-dev-2"}
        stub.networks["os2-dev-2"]["Labels"] = {"dev.os2.machine": "1", "dev.os2.name": "dev-2"}
        stub.__class__ = Unfiltered

        assert remove_networks(engine, "dev-1", creator=ME.creator)
        assert list(stub.networks) == ["theirs", "os2-dev-2"]


class TestOfOthers:
    """A network without a machine may be that of a create at work, which only its user knows."""

    def test_that_of_a_create_at_work_is_left_alone(self, stub: EngineStub, engine: Engine) -> None:
        create(engine, creator="another")

        assert networks_left(engine, ME) == []
        assert not remove_network_left(engine, "dev-1", ME.creator)
        assert not remove_networks(engine, "dev-1", request="my create")
        assert list(stub.networks) == ["os2-dev-1"]

    def test_of_one_s_own_only_that_of_a_create_at_work_is(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        locks = NameLocks(tmp_path)
        create(engine, locks.creator)

        with locks.held("dev-1"):
            assert networks_left(engine, locks) == []
        assert [each.name for each in networks_left(engine, locks)] == ["dev-1"]

    @pytest.mark.parametrize("lacking", [(), (labels.CREATOR,), (labels.CREATOR, labels.REQUEST)])
    def test_no_create_takes_as_long_as_this_one(
        self, stub: EngineStub, engine: Engine, lacking: tuple[str, ...]
    ) -> None:
        create(engine, creator="another")
        make_old(stub)
        for label in lacking:
            del stub.networks["os2-dev-1"]["Labels"][label]

        assert [each.name for each in networks_left(engine, ME)] == ["dev-1"]
        assert remove_network_left(engine, "dev-1", ME.creator)
        assert stub.networks == {}

    def test_that_of_a_removed_machine_goes_with_it(self, stub: EngineStub, engine: Engine) -> None:
        create(engine, creator="another", request="its create")

        assert remove_networks(engine, "dev-1", request="its create")
        assert stub.networks == {}
