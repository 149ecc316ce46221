"""Every provider that the contract holds for, each as a factory of a fresh one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from os2cli.certificates import HostCertificates
from os2cli.models import MachineSpec
from os2cli.providers.base import MachineProvider
from tests.contract.memory import MemoryMachines
from tests.engine import engine_endpoint, sandbox_image


@dataclass
class Subject:
    """A provider under test, an image that it has, and names that nobody else uses."""

    provider: MachineProvider
    image: str
    run: str

    def spec(self, name: str, **changes: object) -> MachineSpec:
        """A specification for a machine of this test."""
        values: dict[str, object] = {"stage": "dev-test", "snapshot": self.image, "owner": "tester"}
        return MachineSpec(name=self.name(name), **{**values, **changes})  # type: ignore[arg-type]

    def name(self, name: str) -> str:
        """A name that no other test run uses on the same engine."""
        return f"test-{self.run}-{name}"

    def names(self) -> list[str]:
        """The machines of this test."""
        prefix = self.name("")
        return [m.name for m in self.provider.list() if m.name.startswith(prefix)]


@pytest.fixture(
    params=["memory", pytest.param("local-docker", marks=pytest.mark.engine)],
)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """One provider after the other; whatever a test leaves behind is removed."""
    run = uuid.uuid4().hex[:8]
    if request.param == "memory":
        yield Subject(MemoryMachines(), "iterate-sandbox:local", run)
        return
    from os2cli.providers.local_docker.engine import Engine
    from os2cli.providers.local_docker.machines import LocalDockerMachines

    provider = LocalDockerMachines(Engine(engine_endpoint()), tmp_path, HostCertificates())
    subject = Subject(provider, sandbox_image(), run)
    try:
        yield subject
    finally:
        for name in subject.names():
            provider.remove(name)
