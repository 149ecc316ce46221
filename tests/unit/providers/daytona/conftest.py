"""A client whose wire and time the test decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.creation import SandboxCreation
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.clock import Time
from tests.progress import RecordedProgress
from tests.unit.providers.daytona.answers import SPEC
from tests.unit.providers.daytona.guests import GuestWire, toolbox
from tests.unit.providers.daytona.wires import ACCESS, Wire, time_zone


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Return a scripted transport; requests that never came fail the test."""
    wire = Wire()
    yield wire
    assert not wire.script, f"not asked for: {[line for line, _ in wire.script]}"


@pytest.fixture
def client(wire: Wire, time: Time) -> DaytonaClient:
    return DaytonaClient(ACCESS, transport=wire, clock=time.clock)


@pytest.fixture
def far_away() -> Iterator[None]:
    """Let this computer's clock show the time of another zone."""
    with time_zone("JST-9"):
        yield


@pytest.fixture
def machines(client: DaytonaClient) -> DaytonaMachines:
    return DaytonaMachines(client, "dev-jonas", Path("/nowhere"))


@pytest.fixture
def creation(client: DaytonaClient, heard: RecordedProgress) -> SandboxCreation:
    return SandboxCreation(client, SPEC, heard)


@pytest.fixture
def guest() -> Iterator[GuestWire]:
    """Return a scripted guest; requests that never came fail the test."""
    wire = GuestWire()
    yield wire
    assert not wire.script, f"not asked for: {[line for line, _ in wire.script]}"


@pytest.fixture
def tools(guest: GuestWire, time: Time) -> Toolbox:
    """Return the toolbox of the scripted guest."""
    return toolbox(DaytonaClient(ACCESS, transport=guest, clock=time.clock))
