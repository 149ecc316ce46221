"""Providers in memory; the contract suite checks that they match the real ones."""

from __future__ import annotations

import io
import os
import subprocess
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from os2cli.core.defaults import DAEMON_PORT
from os2cli.core.errors import Conflict, NotFound, Os2Error, UsageError
from os2cli.core.models import (
    LOCAL_DOCKER,
    Address,
    Command,
    Health,
    Image,
    LogRequest,
    Machine,
    MachineSpec,
    MachineState,
    Streams,
)
from os2cli.core.progress import SILENT, Progress
from os2cli.host.ports import FIRST_PORT, LAST_PORT, is_free
from os2cli.host.tty import Terminal
from os2cli.machines.next_steps import must_be_stopped
from os2cli.machines.provider import WithoutInsight
from os2cli.providers.loopback import port_conflict, require_running
from os2cli.providers.service_log import log_not_found
from os2cli.providers.tar import pack, unpack
from os2cli.snapshots.building import BuildRequest, BuildResult

if TYPE_CHECKING:
    import builtins
    from collections.abc import Generator, Iterable, Iterator

    from os2cli.machines.tarball import Packed

STARTABLE = (MachineState.STOPPED, MachineState.FAILED, MachineState.PAUSED, MachineState.CREATING)


@dataclass
class Record:
    """A machine, its log, and the answers of its daemon; the last answer repeats."""

    machine: Machine
    log: list[str] = field(default_factory=list)
    answers: list[Health] = field(default_factory=list)


class MemoryMachines(WithoutInsight):
    """Machines in memory.

    ``answers`` are those of each new machine's daemon, one per probe; ``failing_removals`` are the
    errors of removing some machines.
    """

    type = LOCAL_DOCKER
    poll_seconds = 0.1

    def __init__(
        self,
        *,
        images: Iterable[str] = ("iterate-sandbox:local",),
        answers: Iterable[Health] = (Health.HEALTHY,),
        folder: Path | None = None,
    ) -> None:
        self.images = set(images)
        self.answers = list(answers)
        self.failing_removals: dict[str, Os2Error] = {}
        self.folder = folder
        self._records: dict[str, Record] = {}
        self._lock = threading.RLock()
        self._ids = count(1)

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create a machine that runs."""
        progress.status(f"creating {spec.name}")
        with self._lock:
            if spec.name in self._records:
                raise Conflict(f"machine {spec.name} exists already", code="machine_exists")
            port = self._port(spec.port)
            if spec.snapshot not in self.images:
                raise NotFound(f"there is no image {spec.snapshot}", code="image_not_found")
            machine = Machine(
                id=f"{next(self._ids):012d}",
                name=spec.name,
                type=self.type,
                stage=spec.stage,
                state=MachineState.RUNNING,
                snapshot=spec.snapshot,
                owner=spec.owner,
                created=datetime.now(UTC).replace(microsecond=0),
                url=f"http://localhost:{port}",
                port=port,
                labels=dict(spec.labels),
                health=Health.STARTING,
                expires=spec.expires,
            )
            self._records[spec.name] = Record(machine, ["entry: ready"], list(self.answers))
            return machine

    def list(self) -> builtins.list[Machine]:
        """Every machine, sorted by name."""
        with self._lock:
            return [self._records[name].machine for name in sorted(self._records)]

    def get(self, name: str) -> Machine:
        """One machine."""
        return self._record(name).machine

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start or resume a machine."""
        del within
        with self._lock:
            if self.get(name).state in STARTABLE:
                self.set_state(name, MachineState.RUNNING)
            return self.get(name)

    def start_on(self, name: str, port: int, within: float | None = None) -> Machine:
        """Start a machine on another port."""
        with self._lock:
            machine = self.get(name)
            if machine.port != port:
                if machine.state is MachineState.RUNNING:
                    raise must_be_stopped(machine)
                if not is_free(port):
                    raise port_conflict(port, None, name)
                self._records[name].machine = replace(machine, port=port)
            return self.start(name, within)

    def stop(self, name: str, within: float | None = None) -> Machine:
        """Stop a machine."""
        del within
        with self._lock:
            if self.get(name).state in (MachineState.RUNNING, MachineState.PAUSED):
                self.set_state(name, MachineState.STOPPED)
            return self.get(name)

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Stop a machine."""
        return self.stop(name, within)

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove a machine."""
        del within
        with self._lock:
            if name in self.failing_removals:
                raise self.failing_removals[name]
            return self._records.pop(name, None) is not None

    def probe(self, machine: Machine) -> Health:
        """Return the daemon's next answer; a machine that does not run has none."""
        with self._lock:
            record = self._records.get(machine.name)
            if record is None or record.machine.state is not MachineState.RUNNING:
                return Health.NONE
            answers = record.answers
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def address(self, machine: Machine) -> str | None:
        """The URL that the machine was created with."""
        return machine.url

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """The one port that is published."""
        if signed_seconds is not None:
            raise UsageError("there are no signed addresses", code="option_invalid")
        if require_running(machine).url is None or port != DAEMON_PORT:
            raise Conflict(f"port {port} is not published", code="port_not_published")
        return Address(str(machine.url))

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of a machine's log."""
        return tuple(self._record(name).log[-lines:])

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """The lines of a machine's log; its services have none."""
        record = self._record(name)
        if request.service is not None:
            raise log_not_found(name, request.service, "")
        count = len(record.log) if request.tail is None else request.tail
        return iter(record.log[max(len(record.log) - count, 0) :])

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program on this host, in a directory that represents the machine's."""
        require_running(self.get(name))
        environment = {"PATH": os.environ["PATH"], **command.env}
        done = subprocess.run(
            command.argv,
            input=streams.stdin.read() if streams.stdin else b"",
            env=environment,
            cwd=command.folder or self.folder,
            capture_output=True,
        )
        streams.stdout.write(done.stdout)
        streams.stderr.write(done.stderr)
        return done.returncode

    def shell(self, name: str, terminal: Terminal) -> int:
        """There is no shell in a record."""
        raise NotImplementedError

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar on this host."""
        unpack(_Execution(self, name), name, archive, folder)

    def fetch(self, name: str, path: str) -> Packed:
        """Pack a file or a folder of this host."""
        return (yield from pack(_Execution(self, name), name, path))

    def set_state(self, name: str, state: MachineState) -> None:
        """Change a machine from outside os2."""
        with self._lock:
            record = self._record(name)
            health = Health.STARTING if state is MachineState.RUNNING else Health.NONE
            record.machine = replace(record.machine, state=state, health=health)

    def write_log(self, name: str, *lines: str) -> None:
        """Append lines to a machine's log."""
        self._record(name).log.extend(lines)

    def _record(self, name: str) -> Record:
        with self._lock:
            if name not in self._records:
                raise NotFound(
                    f"there is no machine named {name}",
                    hint="list the machines: os2 machine list",
                    code="machine_not_found",
                )
            return self._records[name]

    def _port(self, wanted: int | None) -> int:
        holders = {record.machine.port: name for name, record in self._records.items()}
        if wanted is None:
            ports = range(FIRST_PORT, LAST_PORT + 1)
            return next(port for port in ports if port not in holders and is_free(port))
        if wanted in holders or not is_free(wanted):
            holder = holders.get(wanted, "another program on this host")
            raise Conflict(f"port {wanted} is in use by {holder}", code="port_taken")
        return wanted


class _Execution:
    """A program of a machine in memory, as ``providers.tar`` runs it."""

    def __init__(self, machines: MemoryMachines, name: str) -> None:
        self.machines, self.name = machines, name
        self.stderr, self.exit_code = b"", 0

    def run(self, command: Command, streams: Streams) -> int:
        return self.machines.execute(self.name, command, streams)

    def output(self, command: Command) -> Generator[bytes]:
        stdout, stderr = io.BytesIO(), io.BytesIO()
        self.exit_code = self.run(command, Streams(stdout, stderr))
        self.stderr = stderr.getvalue()
        yield stdout.getvalue()


class MemoryBuilder:
    """Images in memory; ``tree`` is the key that a build would have now.

    ``unreadable`` is the reason if the tree cannot be read.
    """

    def __init__(self, *, tree: str = "tree-1") -> None:
        self.tree = tree
        self.unreadable: Os2Error | None = None
        self.builds = 0
        self._images: dict[str, Image] = {}

    def build(self, request: BuildRequest, progress: Progress = SILENT) -> BuildResult:
        """Build the image unless it exists with the same key."""
        key = self.key(request)
        present = self.find(request.tag)
        if present is not None and present.key == key and not request.no_cache:
            return BuildResult(present, built=False, seconds=0.0)
        with progress.phase("build image"):
            self.builds += 1
            return BuildResult(self.add_image(request.tag, key), built=True, seconds=1.0)

    def find(self, reference: str) -> Image | None:
        """The image of that name."""
        return self._images.get(reference)

    def base(self, request: BuildRequest) -> str | None:
        """No base: it builds from nothing."""
        del request
        return None

    def key(self, request: BuildRequest) -> str:
        """The key of the tree."""
        del request
        if self.unreadable is not None:
            raise self.unreadable
        return self.tree

    def add_image(self, reference: str, key: str | None) -> Image:
        """Add an image; one without a key was not built by os2."""
        image = Image(
            id=f"sha256:{self.builds:064x}",
            reference=reference,
            created=datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC),
            size_bytes=1_040_000_000,
            key=key,
        )
        self._images[reference] = image
        return image
