"""The record of each machine, in a directory of its own; together they are the list."""

from __future__ import annotations

import json
import os
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
    """What os2 last did with a machine; its processes show whether it runs."""

    CREATING = "creating"
    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, distinguished by its start time from a later one with the same id."""

    pid: int
    began: float


@dataclass(frozen=True, slots=True)
class Record:
    """A machine.

    ``labels`` are ours and the user's, ``env`` the user's variables, ``ports`` those of the
    sandbox's services by variable. ``first`` and ``logger`` are processes of the last start.
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
        """Return every port that the machine has or will need when it starts."""
        return {self.port, *self.ports.values()}


@dataclass(frozen=True, slots=True)
class MachineFolder:
    """The directory of a machine, and the paths in it."""

    path: Path

    @property
    def record(self) -> Path:
        """The record's file, which holds secrets: readable by this user only."""
        return self.path / RECORD_FILE

    @property
    def programs(self) -> Path:
        """The first directory on the machine's PATH."""
        return self.path / "bin"

    @property
    def logs(self) -> Path:
        """The machine's own log, and a directory for the log of each service."""
        return self.path / "log"

    @property
    def home(self) -> Path:
        """The HOME of every process in the machine."""
        return self.path / "home"

    @property
    def repository(self) -> Path:
        """The repository of a machine without a mounted working tree."""
        return self.path / "repo"

    @property
    def services(self) -> Path:
        """The scan directory of s6."""
        return self.path / "services"


@dataclass(frozen=True, slots=True)
class Records:
    """The machines below a directory."""

    root: Path

    def folder(self, name: str) -> MachineFolder:
        """Return the directory of the machine of that name, existing or not."""
        return MachineFolder(self.root / name)

    def find(self, name: str) -> Record | None:
        """Return the record of a machine or None; raises ``OperationFailed`` for an invalid one."""
        path = self.folder(name).record
        try:
            return _record(json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            if self._denied:
                return None
            raise OperationFailed(
                f"cannot read {path}: {error}",
                hint=f"end the machine's processes and remove its directory: rm -r {path.parent}",
                code="record_unreadable",
            ) from error

    def names(self) -> list[str]:
        """Return the names of all machines, sorted."""
        if self._denied:
            return []
        return sorted(path.parent.name for path in self.root.glob(f"*/{RECORD_FILE}"))

    @property
    def _denied(self) -> bool:
        """Whether the directory is in another user's home: then no machine here is this user's."""
        try:
            self.root.stat()
        except PermissionError:
            return True
        except OSError:
            return False
        return not os.access(self.root, os.R_OK | os.X_OK)

    def all(self) -> list[Record]:
        """Return all machines, sorted by name, without those being removed."""
        return [record for name in self.names() if (record := self.find(name)) is not None]

    def save(self, record: Record) -> Record:
        """Write a record atomically, and create its directory if needed."""
        folder = self.folder(record.name)
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(folder.record, json.dumps(asdict(record), indent=2))
        return record

    def forget(self, name: str) -> None:
        """Remove the record, then the rest of the directory."""
        folder = self.folder(name)
        folder.record.unlink(missing_ok=True)
        shutil.rmtree(folder.path, ignore_errors=True)


def _record(values: Mapping[str, Any]) -> Record:
    record = Record(**values)
    return replace(
        record,
        phase=Phase(record.phase),
        first=ProcessId(**values["first"]) if values["first"] else None,
        logger=ProcessId(**values["logger"]) if values["logger"] else None,
    )


def name_of_snapshot(record: Record) -> str:
    """Return what the machine was created from."""
    return record.labels.get(labels.SNAPSHOT, record.sandbox)
