"""The record of each machine, in a directory of its own; together they are the list.

A directory gets its name when it has its record, and loses it before its files are removed: a
process that is killed leaves no machine without a record.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.core.plain_text import plain_line
from os2cli.core.small_files import read_small
from os2cli.host.private_files import private_folder
from os2cli.machines.names import validate_machine_name
from os2cli.providers.local_process.record import Phase, ProcessId, Record
from os2cli.providers.local_process.s6.scan import write

__all__ = ["DamagedRecord", "MachineFolder", "Phase", "ProcessId", "Record", "Records"]
RECORD_FILE = "machine.json"
# The user's variables are in it, and a program's environment is smaller.
MAX_RECORD_BYTES = 16_000_000
# Directories without a name of a machine: not yet, or not any more.
_NEW, _REMOVED = ".new-", ".removed-"
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A machine whose record cannot be read, and why; its processes may run."""

    name: str
    why: str

    @property
    def error(self) -> OperationFailed:
        """The failure of what needs the record."""
        return OperationFailed(
            f"cannot read the record of machine {self.name}: {self.why}",
            hint=f"end its processes and remove its files: os2 machine rm {self.name}",
            code="record_unreadable",
        )


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

    def read(self, name: str) -> Record | DamagedRecord | None:
        """Return the record of a machine, or None if there is no machine of that name."""
        # Any other directory is not a machine: a removal must not reach it.
        if not _is_name(name):
            return None
        folder = self.folder(name)
        try:
            record = Record.from_json(read_small(folder.record, MAX_RECORD_BYTES))
            if record.name != name:
                raise ValueError(f"it is that of machine {plain_line(record.name)}")
        except (OSError, ValueError) as error:
            if self._denied or not folder.path.is_dir():
                return None
            why = error.strerror if isinstance(error, OSError) else str(error)
            return DamagedRecord(name, plain_line(why or str(error)))
        return record

    def find(self, name: str) -> Record | None:
        """Return the record of a machine or None; raises ``OperationFailed`` for a damaged one."""
        record = self.read(name)
        if isinstance(record, DamagedRecord):
            raise record.error
        return record

    def names(self) -> list[str]:
        """Return the names of all machines, sorted."""
        with suppress(OSError), os.scandir(self.root) as entries:
            return sorted(
                entry.name for entry in entries if _is_name(entry.name) and _is_dir(entry)
            )
        return []

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

    def all(self) -> list[Record | DamagedRecord]:
        """Return all machines, sorted by name, without those being removed."""
        return [record for name in self.names() if (record := self.read(name)) is not None]

    def create(self, record: Record) -> Record:
        """Write the record of a new machine into its new directory."""
        self._sweep()
        new = MachineFolder(private_folder(self.root) / f"{_NEW}{uuid.uuid4().hex}")
        try:
            new.path.mkdir(mode=0o700)
            write(new.record, record.to_json())
            new.path.rename(self.folder(record.name).path)
        except BaseException:
            shutil.rmtree(new.path, ignore_errors=True)
            raise
        return record

    def save(self, record: Record) -> Record:
        """Replace the record of a machine."""
        write(self.folder(record.name).record, record.to_json())
        return record

    def forget(self, name: str) -> Path | None:
        """Remove the machine's directory; return what is left if files cannot be removed."""
        self._sweep()
        path = self.folder(name).path
        removed = path.with_name(f"{_REMOVED}{uuid.uuid4().hex}")
        try:
            path.rename(removed)
        except FileNotFoundError:
            return None
        except OSError:
            return path
        _remove(removed)
        return removed if removed.exists() else None

    def _sweep(self) -> None:
        """Remove what killed processes left."""
        oldest = time.time() - _ABANDONED_SECONDS
        with suppress(OSError), os.scandir(self.root) as entries:
            for entry in entries:
                if entry.name.startswith((_NEW, _REMOVED)) and entry.stat().st_ctime < oldest:
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_name(name: str) -> bool:
    try:
        validate_machine_name(name)
    except UsageError:
        return False
    return True
