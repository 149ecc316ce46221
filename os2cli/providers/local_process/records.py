"""What is known of a machine: a folder for each, and a record in it that is its only list."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from os2cli.core.errors import OperationFailed
from os2cli.providers import labels
from os2cli.providers.local_process.s6.scan import write

RECORD_FILE = "machine.json"


class Phase(StrEnum):
    """What os2 did last with a machine; whether it runs is seen from its processes."""

    CREATING = "creating"
    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, told from a later one of the same number by when it began."""

    pid: int
    began: float


@dataclass(frozen=True, slots=True)
class Record:
    """A machine.

    ``labels`` are ours and the user's, ``env`` are the user's variables, ``ports`` those of the
    sandbox's services by variable. ``first`` and ``logger`` are of the last start.
    """

    id: str
    name: str
    phase: Phase
    labels: Mapping[str, str]
    env: Mapping[str, str] = field(repr=False)
    port: int
    ports: Mapping[str, int]
    mount: str | None
    sandbox: str
    socket: str = ""
    first: ProcessId | None = None
    logger: ProcessId | None = None

    def all_ports(self) -> set[int]:
        """Every port that the machine has, or will want when it is started again."""
        return {self.port, *self.ports.values()}


@dataclass(frozen=True, slots=True)
class MachineFolder:
    """Where the parts of a machine are."""

    path: Path

    @property
    def record(self) -> Path:
        """Holds secrets: for this user alone."""
        return self.path / RECORD_FILE

    @property
    def programs(self) -> Path:
        """What comes first on the machine's PATH."""
        return self.path / "bin"

    @property
    def logs(self) -> Path:
        """The machine's own log, and a folder for each service's."""
        return self.path / "log"

    @property
    def home(self) -> Path:
        """HOME of everything in the machine."""
        return self.path / "home"

    @property
    def repository(self) -> Path:
        """The repository of a machine that has no working tree of its user's."""
        return self.path / "repo"

    @property
    def services(self) -> Path:
        """The scan directory."""
        return self.path / "services"


@dataclass(frozen=True, slots=True)
class Records:
    """The machines below a folder."""

    root: Path

    def folder(self, name: str) -> MachineFolder:
        """Where the machine of that name is, or would be."""
        return MachineFolder(self.root / name)

    def find(self, name: str) -> Record | None:
        """The record of a machine; raises ``OperationFailed`` for one that can't be read."""
        path = self.folder(name).record
        try:
            return _record(json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise OperationFailed(
                f"{path} can't be read: {error}",
                hint=f"end the machine's processes and remove its folder: {path.parent}",
                code="record_unreadable",
            ) from error

    def names(self) -> list[str]:
        """The names of all machines, sorted."""
        return sorted(path.parent.name for path in self.root.glob(f"*/{RECORD_FILE}"))

    def all(self) -> list[Record]:
        """All machines, sorted by name; one that is removed at this moment is left out."""
        return [record for name in self.names() if (record := self.find(name)) is not None]

    def save(self, record: Record) -> Record:
        """Write a record as a whole, with its folder if need be."""
        folder = self.folder(record.name)
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(folder.record, json.dumps(asdict(record), indent=2))
        return record

    def forget(self, name: str) -> None:
        """Remove the record first and the rest of the folder then."""
        folder = self.folder(name)
        folder.record.unlink(missing_ok=True)
        shutil.rmtree(folder.path, ignore_errors=True)


def _record(values: Mapping[str, Any]) -> Record:
    known = Record(**values)
    return replace(
        known,
        phase=Phase(known.phase),
        first=ProcessId(**values["first"]) if values["first"] else None,
        logger=ProcessId(**values["logger"]) if values["logger"] else None,
    )


def name_of_snapshot(record: Record) -> str:
    """What the machine was made from."""
    return record.labels.get(labels.SNAPSHOT, record.sandbox)
