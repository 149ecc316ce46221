"""Every provider that the contract holds for, as factories."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.models import Machine, MachineSpec, MachineState
from os2cli.host.certificates import HostCertificates
from os2cli.host.repository import bundled_source
from os2cli.machines.provider import MachineProvider
from tests.contract.memory import MemoryMachines
from tests.daytona_server import DaytonaServer
from tests.engine import ENTRYPOINT, engine_endpoint, sandbox_image

STAGE = "dev-test"
SNAPSHOT = f"{STAGE}--20260111-193045"
RUNNING_SECONDS = HEALTHY_SECONDS = 60

Maker = Callable[[ExitStack, Path], tuple[MachineProvider, str]]


@dataclass
class Subject:
    """A provider under test, an image that it has, and names that no other test uses."""

    provider: MachineProvider
    image: str
    run: str

    def spec(self, name: str, **changes: object) -> MachineSpec:
        """Return a specification for a machine of this test."""
        values: dict[str, object] = {"stage": STAGE, "snapshot": self.image, "owner": "tester"}
        return MachineSpec(name=self.name(name), **{**values, **changes})  # type: ignore[arg-type]

    def name(self, name: str) -> str:
        """Return a name that no other test run uses on the engine."""
        return f"test-{self.run}-{name}"

    def names(self) -> list[str]:
        """Return the machines of this test."""
        prefix = self.name("")
        return [m.name for m in self.provider.list() if m.name.startswith(prefix)]

    def create(self, name: str, **changes: object) -> Machine:
        """Create a running machine of this test."""
        machine = self.provider.create(self.spec(name, **changes))
        deadline = time.monotonic() + RUNNING_SECONDS
        while machine.state is MachineState.CREATING and time.monotonic() < deadline:
            time.sleep(self.provider.poll_seconds / 10)
            machine = self.provider.get(machine.name)
        return machine


def memory(stack: ExitStack, folder: Path) -> tuple[MachineProvider, str]:
    """Machines that are records."""
    del stack
    return MemoryMachines(folder=folder), "iterate-sandbox:local"


def local_docker(stack: ExitStack, folder: Path) -> tuple[MachineProvider, str]:
    """Containers on the engine."""
    from os2cli.providers.local_docker.engine.engine import Engine
    from os2cli.providers.local_docker.machines.machines import LocalDockerMachines

    del stack
    return LocalDockerMachines(
        Engine(engine_endpoint()), folder, HostCertificates()
    ), sandbox_image()


def local_process(stack: ExitStack, folder: Path) -> tuple[MachineProvider, str]:
    """Processes of this host."""
    from os2cli.providers.local_process.machines import LocalProcessMachines

    del stack
    root = folder / "local-process"
    return LocalProcessMachines(root, folder / "locks"), str(bundled_source().root / "sandbox")


def daytona_stub(stack: ExitStack, folder: Path) -> tuple[MachineProvider, str]:
    """Sandboxes of the Daytona test server that are records behind a stub."""
    server = stack.enter_context(DaytonaServer())
    server.add_snapshot(SNAPSHOT)
    return _on_daytona(stack, server, folder), SNAPSHOT


def daytona(stack: ExitStack, folder: Path) -> tuple[MachineProvider, str]:
    """Sandboxes of the Daytona test server that are containers on the engine."""
    server = stack.enter_context(DaytonaServer(engine_url=engine_endpoint().url))
    server.add_snapshot(SNAPSHOT, image=sandbox_image(), entrypoint=ENTRYPOINT)
    return _on_daytona(stack, server, folder), SNAPSHOT


def _on_daytona(stack: ExitStack, server: DaytonaServer, folder: Path) -> MachineProvider:
    from os2cli.providers.daytona.api.client import DaytonaClient
    from os2cli.providers.daytona.machines.machines import DaytonaMachines

    client = stack.enter_context(DaytonaClient(DaytonaAccess(server.url, api_key=server.api_key)))
    stack.callback(lambda: pytest.fail(str(server.violations)) if server.violations else None)
    return DaytonaMachines(client, STAGE, folder)


WITH_PORTS = [memory, local_process, pytest.param(local_docker, marks=pytest.mark.engine)]
ALL = [*WITH_PORTS, daytona_stub, pytest.param(daytona, marks=pytest.mark.engine)]

# Those with a guest: a record behind a stub has none.
INHABITED = [
    local_process,
    *(pytest.param(make, marks=pytest.mark.engine) for make in (local_docker, daytona)),
]
INSIDES = [memory, *INHABITED]


@pytest.fixture(params=INSIDES)
def subject_inside(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """The providers whose machines have a guest."""
    yield from _subject(request.param, tmp_path)


@pytest.fixture(params=ALL)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """Each provider in turn; leftovers of a test are removed."""
    yield from _subject(request.param, tmp_path)


@pytest.fixture(params=WITH_PORTS)
def subject_with_ports(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """The providers whose machines listen on this host: sandboxes on Daytona have URLs instead."""
    yield from _subject(request.param, tmp_path)


def _subject(make: Maker, folder: Path) -> Iterator[Subject]:
    with ExitStack() as stack:
        provider, image = make(stack, folder)
        subject = Subject(provider, image, uuid.uuid4().hex[:8])
        try:
            yield subject
        finally:
            for name in subject.names():
                provider.remove(name)
