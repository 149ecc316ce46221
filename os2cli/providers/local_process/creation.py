"""Creating a machine: on a free name and free ports, or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from os2cli.core.errors import Conflict, NotFound
from os2cli.core.models import MachineSpec, MachineType
from os2cli.core.progress import Progress
from os2cli.host.locks import exclusive
from os2cli.host.ports import candidate_ports, is_free
from os2cli.host.repository import bundled_source
from os2cli.providers import labels
from os2cli.providers.local_process import lifecycle
from os2cli.providers.local_process.node import find_node
from os2cli.providers.local_process.record import Phase, Record
from os2cli.providers.local_process.records import DamagedRecord, Records
from os2cli.providers.loopback import port_conflict

# Looking for free ports takes milliseconds.
PORTS_SECONDS = 60.0
OUR_SERVER = "iterate-server"


@dataclass(frozen=True)
class Creation:
    """The creation of a machine; the caller holds the lock of its name."""

    records: Records
    type: MachineType
    lock_dir: Path

    def create(self, spec: MachineSpec, progress: Progress) -> Record:
        """Create a machine and start it; a failure leaves nothing behind."""
        self._clear_name(spec.name)
        sandbox = find_sandbox(spec.snapshot)
        node = find_node()
        progress.status(f"starting the services of {spec.name}")
        record = self._record(spec, sandbox)
        try:
            record = self._reserve_ports(record, spec.port)
            return lifecycle.start(self.records, record, node)
        except BaseException:
            lifecycle.remove(self.records, record, lifecycle.STOP_SECONDS)
            raise

    def _clear_name(self, name: str) -> None:
        """Make sure that the name is free; remove the leftovers of a killed create."""
        existing = self.records.read(name)
        if existing is None:
            return
        if isinstance(existing, DamagedRecord):
            raise Conflict(
                f"machine {name} already exists, and {existing.error.message}",
                hint=f"choose another name, or remove it: os2 machine rm {name}",
                code="machine_exists",
            )
        if existing.phase is Phase.CREATING:
            lifecycle.remove(self.records, existing, lifecycle.STOP_SECONDS)
        else:
            raise Conflict(
                f"machine {name} already exists",
                hint=f"choose another name, or remove it: os2 machine rm {name}",
                code="machine_exists",
            )

    def _record(self, spec: MachineSpec, sandbox: Path) -> Record:
        marks = labels.of_machine(
            replace(spec, snapshot=str(sandbox)), self.type, datetime.now(UTC)
        )
        return Record(
            id=uuid.uuid4().hex,
            name=spec.name,
            phase=Phase.CREATING,
            labels=marks,
            env=dict(spec.env),
            port=0,
            ports={},
            mount=str(spec.mount_repo) if spec.mount_repo else None,
            sandbox=str(sandbox),
        )

    def _reserve_ports(self, record: Record, port: int | None) -> Record:
        """Return the record with its own ports, saved before another process looks for ports."""
        with exclusive(self.lock_dir, f"ports of {self.type}", seconds=PORTS_SECONDS):
            holders = port_holders(self.records)
            if port is not None and (port in holders or not is_free(port)):
                raise port_conflict(port, holders.get(port))
            variables = list(service_ports(Path(record.sandbox)))
            free = list(islice(candidate_ports({*holders, port or 0}), len(variables) + 1))
            if len(free) <= len(variables):
                raise Conflict(
                    f"no free port for machine {record.name}",
                    hint="remove machines that you no longer need: os2 machine rm NAME",
                    code="port_taken",
                )
            ports = dict(zip(variables, free[1:], strict=True))
            return self.records.create(replace(record, port=port or free[0], ports=ports))


def find_sandbox(snapshot: str) -> Path:
    """Return the directory whose files a machine runs: os2's own, or ``snapshot``.

    Raises:
        NotFound: the directory does not hold a sandbox.
    """
    folder = Path(snapshot) if snapshot else bundled_source().root / "sandbox"
    if not (folder / "entry.ts").is_file():
        raise NotFound(
            f"sandbox not found in {folder}",
            hint="leave --snapshot out: local-process machines run the sandbox that comes with os2",
            code="image_not_found",
        )
    return folder.resolve()


def service_ports(sandbox: Path) -> Iterator[str]:
    """Yield the port variables of the sandbox's services, except the published one's."""
    for metadata in sorted(sandbox.glob("services/*/metadata.json")):
        name = metadata.parent.name
        if name != OUR_SERVER and "port" in json.loads(metadata.read_text()):
            upper = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
            yield f"{upper}_PORT"


def port_holders(records: Records) -> dict[int, str]:
    """Return each port that a machine has or will need when it starts, with its holder."""
    known = [record for record in records.all() if isinstance(record, Record)]
    return {port: f"machine {record.name}" for record in known for port in record.all_ports()}
