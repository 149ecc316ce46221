"""The machine provider for processes of this host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from os2cli.core.errors import Conflict, NotFound
from os2cli.core.limits import Usage
from os2cli.core.models import (
    Address,
    Command,
    Health,
    LogRequest,
    Machine,
    MachineSpec,
    Streams,
)
from os2cli.core.notices import NOTICES
from os2cli.core.progress import SILENT, Progress
from os2cli.host.locks import exclusive
from os2cli.host.ports import is_free
from os2cli.host.tty import Terminal
from os2cli.machines.next_steps import must_be_stopped
from os2cli.machines.provider import WithoutInsight
from os2cli.machines.tarball import Packed
from os2cli.providers.local_process import LOCAL_PROCESS, lifecycle
from os2cli.providers.local_process.creation import PORTS_SECONDS, Creation, port_holders
from os2cli.providers.local_process.environment import environment
from os2cli.providers.local_process.executions import Execution
from os2cli.providers.local_process.logs import log_of_service, machine_log
from os2cli.providers.local_process.node import find_node
from os2cli.providers.local_process.processes import first_is_alive, logger_is_alive, until
from os2cli.providers.local_process.record import Record
from os2cli.providers.local_process.records import DamagedRecord, Records
from os2cli.providers.local_process.states import damaged_machine, machine_of
from os2cli.providers.local_process.usage import usage_of_processes
from os2cli.providers.loopback import (
    port_conflict,
    probe_published,
    published_address,
    require_running,
)
from os2cli.providers.tar import pack, unpack

PROBE_SECONDS = 2.0
LAST_LINES_SECONDS = 1.0
LOCK_SECONDS = 60.0


class LocalProcessMachines(WithoutInsight):
    """Machines as directories below ``root`` and processes that carry their mark.

    ``lock_dir`` keeps the locks of machines.
    """

    type = LOCAL_PROCESS
    poll_seconds = 0.1

    def __init__(self, root: Path, lock_dir: Path) -> None:
        self.records = Records(root)
        self.lock_dir = lock_dir

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Start the sandbox's services on their own ports; a failure leaves nothing behind."""

        def refuse() -> None:
            raise Conflict(
                f"another os2 process is creating machine {spec.name}",
                hint="wait for it, or choose another name",
                code="machine_busy",
            )

        with exclusive(self.lock_dir, self._lock(spec.name), on_busy=refuse):
            creation = Creation(self.records, self.type, self.lock_dir)
            return machine_of(creation.create(spec, progress))

    def list(self) -> list[Machine]:
        """Return every machine, also one whose record is damaged."""
        machines = []
        for record in self.records.all():
            if isinstance(record, DamagedRecord):
                NOTICES.warn(record.error.message, record.error.hint)
                machines.append(damaged_machine(record, self.records.folder(record.name).path))
            else:
                machines.append(machine_of(record))
        return machines

    def get(self, name: str) -> Machine:
        """Return one machine; raises ``NotFound`` if it does not exist."""
        record = self.records.read(name)
        if isinstance(record, DamagedRecord):
            return damaged_machine(record, self.records.folder(record.name).path)
        return machine_of(self._record(name))

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start the services on the machine's port."""
        with self._changing(name, within):
            record = self._record(name)
            if not first_is_alive(record):
                record = lifecycle.start(self.records, record, find_node())
            return machine_of(record)

    def start_on(self, name: str, port: int, within: float | None = None) -> Machine:
        """Start the services with the machine's page on another port, from now on."""
        with self._changing(name, within):
            record = self._record(name)
            if port != record.port:
                if first_is_alive(record):
                    raise must_be_stopped(machine_of(record))
                with exclusive(self.lock_dir, f"ports of {self.type}", seconds=PORTS_SECONDS):
                    holders = port_holders(self.records)
                    if port in holders or not is_free(port):
                        raise port_conflict(port, holders.get(port), name)
                    record = self.records.save(replace(record, port=port))
            if not first_is_alive(record):
                record = lifecycle.start(self.records, record, find_node())
            return machine_of(record)

    def stop(self, name: str, within: float | None = None) -> Machine:
        """End all of its processes; it keeps its files and its port."""
        with self._changing(name, within):
            record = self._record(name)
            seconds = within or lifecycle.STOP_SECONDS
            return machine_of(lifecycle.stop(self.records, record, seconds))

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Stop it: local processes have no archive."""
        return self.stop(name, within)

    def remove(self, name: str, within: float | None = None) -> bool:
        """End its processes and remove its files."""
        with self._changing(name, within):
            record = self.records.read(name)
            if record is None:
                return False
            if isinstance(record, DamagedRecord):
                lifecycle.remove_damaged(self.records, name)
            else:
                lifecycle.remove(self.records, record, within or lifecycle.STOP_SECONDS)
            return True

    def usage(self, machine: Machine, *, disk: bool) -> Usage:
        """Add up what the machine's processes use, and its files with ``disk``."""
        record = self._record(machine.name)
        folder = self.records.folder(machine.name).path
        return usage_of_processes(record.id, folder, disk=disk)

    def probe(self, machine: Machine) -> Health:
        """Request the daemon's health on its port."""
        return probe_published(machine, PROBE_SECONDS)

    def address(self, machine: Machine) -> str | None:
        """Return the URL on this host."""
        return machine.url

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """Return the daemon's address; other services answer behind it by name."""
        return published_address(machine, port, PROBE_SECONDS, signed_seconds)

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the end of the machine's log."""
        return tuple(self.logs(name, LogRequest(tail=lines)))

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """Yield the lines of a log, also of a stopped machine."""
        record = self._record(name)
        if not first_is_alive(record):
            # Only lines that are already on their way will follow.
            request = replace(request, follow=False)
            until(lambda: not logger_is_alive(record), LAST_LINES_SECONDS)
        folder = self.records.folder(name)
        program = Execution(environment(record, folder), folder.path)
        if request.service is None:
            return machine_log(program, folder, request)
        return log_of_service(program, folder, name, request)

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program of this host with the machine's variables."""
        return self._execution(name).run(command, streams)

    def shell(self, name: str, terminal: Terminal) -> int:
        """Run a login shell of this host with the machine's variables."""
        execution = self._execution(name)
        shell = execution.env.get("SHELL") or "/bin/sh"
        banner = (
            f"This shell runs on this host as you: machine {name} has no isolation.\r\n"
            f"Its home is {execution.env['HOME']}\r\n"
        )
        return execution.attach(terminal, [shell, "-l"], banner)

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar with this host's own program."""
        unpack(self._execution(name), name, archive, folder)

    def fetch(self, name: str, path: str) -> Packed:
        """Pack a file or a folder with this host's own program."""
        return (yield from pack(self._execution(name), name, path))

    def _execution(self, name: str) -> Execution:
        """Return what runs programs in the machine; raise ``Conflict`` if it is not running."""
        require_running(self.get(name))
        record, folder = self._record(name), self.records.folder(name)
        env = environment(record, folder)
        return Execution(env, Path(env["ITERATE_REPO_DIR"]))

    def _changing(self, name: str, within: float | None) -> AbstractContextManager[None]:
        return exclusive(self.lock_dir, self._lock(name), seconds=within or LOCK_SECONDS)

    def _lock(self, name: str) -> str:
        return f"{self.type} machine {name}"

    def _record(self, name: str) -> Record:
        record = self.records.find(name)
        if record is None:
            raise NotFound(
                f"machine {name} not found",
                hint="list the machines: os2 machine list",
                code="machine_not_found",
            )
        return record
