"""Machines of this host, and what the tests ask about their processes."""

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
    """The provider, and a folder with its machines."""

    root: Path
    provider: LocalProcessMachines

    def create(self, name: str = "m", **values: object) -> Machine:
        """A machine, which may still be starting."""
        spec = MachineSpec(name, "dev", "", **values)  # type: ignore[arg-type]
        return self.provider.create(spec)

    def up(self, name: str = "m", **values: object) -> Machine:
        """A machine whose daemon answers."""
        return wait_until_healthy(self.provider, self.create(name, **values), HEALTHY_SECONDS)

    def record(self, name: str = "m") -> Record:
        """What is kept of it."""
        record = self.provider.records.find(name)
        assert record is not None
        return record

    def run(self, name: str, *argv: str) -> tuple[int, str]:
        """A program's exit code and what it wrote, errors too."""
        said = io.BytesIO()
        code = self.provider.execute(name, Command(argv), Streams(said, said))
        return code, said.getvalue().decode()

    def pid(self, name: str, service: str) -> int:
        """The process of a service, -1 while there is none."""
        code, said = self.run(name, "sh", "-c", f"s6-svstat -o pid $OS2_SCAN_DIRECTORY/{service}")
        return int(said) if code == 0 else -1

    def folder(self, name: str = "m") -> Path:
        """The machine's folder."""
        return self.root / name

    def processes(self, record: Record) -> list[psutil.Process]:
        """Everything that belongs to a machine, its logger too."""
        return [*marked(MARK_VARIABLE, record.id), *marked(LOGGER_VARIABLE, record.id)]

    def clear(self) -> None:
        """Remove all machines."""
        for machine in self.provider.list():
            self.provider.remove(machine.name)


def host_in(folder: Path) -> Host:
    """The provider of a folder."""
    root = folder / "local-process"
    return Host(root, LocalProcessMachines(root, folder / "locks"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """For a test alone."""
    host = host_in(tmp_path)
    yield host
    host.clear()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """With a healthy machine ``m`` that several tests look at."""
    host = host_in(tmp_path_factory.mktemp("host"))
    host.up("m", env={"GREETING": "hello", "TOKEN": "s3cret-of-the-user"})
    yield host
    host.clear()
