"""Machines of this host, and questions about their processes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from os2cli.core.models import Command, Machine, MachineSpec, Streams
from os2cli.machines.health import wait_until_healthy
from os2cli.providers.local_process.machines import LocalProcessMachines
from os2cli.providers.local_process.processes import marked
from os2cli.providers.local_process.records import Record
from os2cli.providers.local_process.s6.folders import LOGGER_VARIABLE, MARK_VARIABLE

HEALTHY_SECONDS = 60
SANDBOX = Path(__file__).parents[4] / "sandbox"


@dataclass(frozen=True)
class Host:
    """The provider, and the directory of its machines."""

    root: Path
    provider: LocalProcessMachines

    def create(self, name: str = "m", **values: object) -> Machine:
        """Create a machine, which may still be starting."""
        spec = MachineSpec(name, "dev", "", **values)  # type: ignore[arg-type]
        return self.provider.create(spec)

    def up(self, name: str = "m", **values: object) -> Machine:
        """Create a machine and wait until its daemon answers."""
        return wait_until_healthy(self.provider, self.create(name, **values), HEALTHY_SECONDS)

    def record(self, name: str = "m") -> Record:
        """Return its record."""
        record = self.provider.records.find(name)
        assert record is not None
        return record

    def run(self, name: str, *argv: str) -> tuple[int, str]:
        """Run a program and return its exit code and output, errors included."""
        said = io.BytesIO()
        code = self.provider.execute(name, Command(argv), Streams(said, said))
        return code, said.getvalue().decode()

    def pid(self, name: str, service: str) -> int:
        """Return the process id of a service, -1 if it is down."""
        code, said = self.run(name, "sh", "-c", f"s6-svstat -o pid $OS2_SCAN_DIRECTORY/{service}")
        return int(said) if code == 0 else -1

    def folder(self, name: str = "m") -> Path:
        """Return the machine's directory."""
        return self.root / name

    def processes(self, record: Record) -> list[psutil.Process]:
        """Return all processes of a machine, its logger included."""
        return [*marked(MARK_VARIABLE, record.id), *marked(LOGGER_VARIABLE, record.id)]

    def clear(self) -> None:
        """Remove all machines."""
        for machine in self.provider.list():
            self.provider.remove(machine.name)


def host_in(folder: Path) -> Host:
    """Return the provider of a directory."""
    root = folder / "local-process"
    return Host(root, LocalProcessMachines(root, folder / "locks"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Yield a host for one test."""
    host = host_in(tmp_path)
    yield host
    host.clear()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a host with a healthy machine ``m`` that several tests share."""
    host = host_in(tmp_path_factory.mktemp("host"))
    host.up("m", env={"GREETING": "hello", "TOKEN": "s3cret-of-the-user"})
    yield host
    host.clear()
