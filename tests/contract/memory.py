"""Providers that keep everything in memory; the contract suite holds them to the real ones."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from os2cli.errors import Conflict, NotFound, Os2Error
from os2cli.models import Health, Image, Machine, MachineSpec, MachineState, MachineType
from os2cli.progress import SILENT, Progress
from os2cli.providers.base import BuildRequest, BuildResult
from os2cli.providers.local_docker.ports import FIRST_PORT, LAST_PORT, is_free

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterable

STARTABLE = (MachineState.STOPPED, MachineState.FAILED, MachineState.PAUSED, MachineState.CREATING)


@dataclass
class Record:
    """A machine, what it wrote, and what its daemon will answer; the last answer stays."""

    machine: Machine
    log: list[str] = field(default_factory=list)
    answers: list[Health] = field(default_factory=list)


class MemoryMachines:
    """Machines in memory.

    ``answers`` is what the daemon of every new machine answers to one probe after the other;
    ``failing_removals`` are the errors that removals of some machines end in.
    """

    type = MachineType.LOCAL_DOCKER
    poll_seconds = 0.1

    def __init__(
        self,
        *,
        images: Iterable[str] = ("iterate-sandbox:local",),
        answers: Iterable[Health] = (Health.HEALTHY,),
    ) -> None:
        self.images = set(images)
        self.answers = list(answers)
        self.failing_removals: dict[str, Os2Error] = {}
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

    def start(self, name: str) -> Machine:
        """Start or resume a machine."""
        with self._lock:
            if self.get(name).state in STARTABLE:
                self.set_state(name, MachineState.RUNNING)
            return self.get(name)

    def stop(self, name: str) -> Machine:
        """Stop a machine."""
        with self._lock:
            if self.get(name).state in (MachineState.RUNNING, MachineState.PAUSED):
                self.set_state(name, MachineState.STOPPED)
            return self.get(name)

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove a machine."""
        del within
        with self._lock:
            if name in self.failing_removals:
                raise self.failing_removals[name]
            return self._records.pop(name, None) is not None

    def probe(self, machine: Machine) -> Health:
        """Give the next answer of the daemon; a machine that does not run gives none."""
        with self._lock:
            record = self._records.get(machine.name)
            if record is None or record.machine.state is not MachineState.RUNNING:
                return Health.NONE
            answers = record.answers
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def address(self, machine: Machine) -> str | None:
        """The URL that the machine was created with."""
        return machine.url

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of a machine's log."""
        return tuple(self._record(name).log[-lines:])

    def set_state(self, name: str, state: MachineState) -> None:
        """Let something happen to a machine that os2 did not ask for."""
        with self._lock:
            record = self._record(name)
            health = Health.STARTING if state is MachineState.RUNNING else Health.NONE
            record.machine = replace(record.machine, state=state, health=health)

    def write_log(self, name: str, *lines: str) -> None:
        """Let a machine write lines."""
        self._record(name).log.extend(lines)

    def _record(self, name: str) -> Record:
        with self._lock:
            if name not in self._records:
                raise NotFound(
                    f"there is no machine named {name}",
                    hint="os2 machine list shows those that exist",
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


class MemoryBuilder:
    """Images in memory; ``tree`` is the key of what a build would be made from now.

    ``unreadable`` is why that tree can't be read, if it can't.
    """

    def __init__(self, *, tree: str = "tree-1") -> None:
        self.tree = tree
        self.unreadable: Os2Error | None = None
        self.builds = 0
        self._images: dict[str, Image] = {}

    def build(self, request: BuildRequest, progress: Progress = SILENT) -> BuildResult:
        """Make the image unless it is there with the same key."""
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

    def key(self, request: BuildRequest) -> str:
        """The key of the tree."""
        del request
        if self.unreadable is not None:
            raise self.unreadable
        return self.tree

    def add_image(self, reference: str, key: str | None) -> Image:
        """Put an image there, without a key one that os2 did not make."""
        image = Image(
            id=f"sha256:{self.builds:064x}",
            reference=reference,
            created=datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC),
            size_bytes=1_040_000_000,
            key=key,
        )
        self._images[reference] = image
        return image
