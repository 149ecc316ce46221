"""Machines on this host that lie, flood or hang when they are looked at."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from os2cli.core.errors import Conflict, TimedOut
from os2cli.core.models import Health, Machine, MachineState
from os2cli.machines.health import list_with_health, wait_until_healthy
from os2cli.providers.loopback import probe_published, published_address
from tests.contract.memory import MemoryMachines
from tests.slow_answers import SLOW, WRONG, Answering

SECONDS = 0.5
EVERY = {**SLOW, **WRONG}


def machine(port: int, name: str = "m") -> Machine:
    return Machine(
        id=name,
        name=name,
        type="local-docker",  # type: ignore[arg-type]
        stage="dev",
        state=MachineState.RUNNING,
        snapshot="",
        owner="",
        created=datetime(2026, 1, 11, tzinfo=UTC),
        url=f"http://localhost:{port}",
        port=port,
    )


@pytest.mark.parametrize("way", EVERY)
def test_a_probe_ends_in_time_and_takes_no_memory(way: str) -> None:
    with Answering(EVERY[way]) as server:
        began = time.monotonic()
        tracemalloc.start()
        probe_published(machine(server.port), SECONDS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert time.monotonic() - began < SECONDS + 3
    assert peak < 20_000_000


@pytest.mark.parametrize("way", SLOW)
def test_a_machine_that_is_slow_is_not_healthy(way: str) -> None:
    with Answering(SLOW[way]) as server:
        assert probe_published(machine(server.port), SECONDS) is Health.STARTING


@pytest.mark.parametrize("way", EVERY)
def test_asking_for_a_port_ends_in_time(way: str) -> None:
    with Answering(EVERY[way]) as server:
        began = time.monotonic()

        with pytest.raises(Conflict):
            published_address(machine(server.port), 5000, SECONDS, None)

    assert time.monotonic() - began < SECONDS + 3


@pytest.mark.parametrize(
    "service",
    [
        {"name": "evil.example/#", "port": 5000, "hasWebUI": True},
        {"name": "a b", "port": 5000, "hasWebUI": True},
        {"name": "", "port": 5000, "hasWebUI": True},
        {"name": "a\nb", "port": 5000, "hasWebUI": True},
        {"name": "x" * 64, "port": 5000, "hasWebUI": True},
        {"name": "web", "port": 5000.5, "hasWebUI": True},
        {"name": "web", "port": True, "hasWebUI": True},
        {"name": "web", "port": -5000, "hasWebUI": True},
        {"name": "web", "port": 1e308, "hasWebUI": True},
        {"name": "web", "port": "5000", "hasWebUI": True},
        {"port": 5000, "hasWebUI": True},
        [],
        None,
    ],
    ids=str,
)
def test_a_service_of_an_impossible_name_or_port_has_no_page(service: object) -> None:
    body = json.dumps({"services": [service]}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        Answering(lambda connection: connection.sendall(head + body)) as server,
        pytest.raises(Conflict),
    ):
        published_address(machine(server.port), 5000, SECONDS, None)


class Published(MemoryMachines):
    """Machines whose health is asked for over HTTP."""

    def __init__(self, *machines: Machine) -> None:
        super().__init__()
        self.machines = list(machines)

    def list(self) -> list[Machine]:
        return self.machines

    def get(self, name: str) -> Machine:
        return next(one for one in self.machines if one.name == name)

    def probe(self, machine: Machine) -> Health:
        return probe_published(machine, 2.0)

    def log_tail(self, *_: object) -> tuple[str, ...]:
        return ()


def test_one_that_lies_costs_the_list_one_cell() -> None:
    healthy = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    slow = {re.sub(r"\W+", "-", name): way for name, way in SLOW.items()}
    with ExitStack() as servers:
        ways = {**slow, "good": lambda connection: connection.sendall(healthy)}
        provider = Published(
            *(
                machine(servers.enter_context(Answering(write)).port, name)
                for name, write in ways.items()
            )
        )
        began = time.monotonic()

        listed = {one.name: one.health for one in list_with_health(provider)}

    assert time.monotonic() - began < 2 * 2.0 + 4
    assert listed == dict.fromkeys(slow, Health.STARTING) | {"good": Health.HEALTHY}


@pytest.mark.parametrize("way", SLOW)
def test_waiting_ends_at_its_deadline(way: str) -> None:
    with Answering(SLOW[way]) as server:
        provider = Published(machine(server.port))
        began = time.monotonic()

        with pytest.raises(TimedOut):
            wait_until_healthy(provider, provider.machines[0], 1.5)

    assert time.monotonic() - began < 1.5 + 3
