"""Making a machine: a name that is free, ports that are free, or nothing at all."""

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
from os2cli.providers.local_process.records import Phase, Record, Records
from os2cli.providers.loopback import port_conflict

OUR_SERVER = "iterate-server"


@dataclass(frozen=True)
class Creation:
    """One creation at a time of a name; the caller holds the name's lock."""

    records: Records
    type: MachineType
    lock_dir: Path

    def create(self, spec: MachineSpec, progress: Progress) -> Record:
        """Create a machine and start it; when that fails, nothing is left."""
        self._clear_name(spec.name)
        sandbox = find_sandbox(spec.snapshot)
        node = find_node()
        progress.status(f"starting the services of {spec.name}")
        record = self._record(spec, sandbox)
        try:
            record = self._reserved(record, spec.port)
            return lifecycle.start(self.records, record, node)
        except BaseException:
            lifecycle.remove(self.records, record, lifecycle.STOP_SECONDS)
            raise

    def _clear_name(self, name: str) -> None:
        """Make sure that the name is free; what a killed create left behind is removed."""
        left = self.records.find(name)
        if left is None:
            self.records.forget(name)
        elif left.phase is Phase.CREATING:
            lifecycle.remove(self.records, left, lifecycle.STOP_SECONDS)
        else:
            raise Conflict(
                f"machine {name} exists already",
                hint=f"use it: os2 machine show {name}, or remove it first: os2 machine rm {name}",
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

    def _reserved(self, record: Record, port: int | None) -> Record:
        """The record with ports of its own, written before anybody else looks for some."""
        with exclusive(self.lock_dir, f"ports of {self.type}", on_busy=lambda: None):
            holders = port_holders(self.records)
            if port is not None and (port in holders or not is_free(port)):
                raise port_conflict(port, holders.get(port))
            variables = list(service_ports(Path(record.sandbox)))
            free = list(islice(candidate_ports({*holders, port or 0}), len(variables) + 1))
            if len(free) <= len(variables):
                raise Conflict(
                    f"no free port for machine {record.name}",
                    hint="remove machines that are no longer needed: os2 machine rm NAME",
                    code="port_taken",
                )
            ports = dict(zip(variables, free[1:], strict=True))
            return self.records.save(replace(record, port=port or free[0], ports=ports))


def find_sandbox(snapshot: str) -> Path:
    """The folder whose files a machine runs: the one that os2 has with it, or a named one.

    Raises:
        NotFound: there is no sandbox.
    """
    folder = Path(snapshot) if snapshot else bundled_source().root / "sandbox"
    if not (folder / "entry.ts").is_file():
        raise NotFound(
            f"there is no sandbox in {folder}",
            hint="leave the snapshot out: these machines run what os2 has with it",
            code="image_not_found",
        )
    return folder.resolve()


def service_ports(sandbox: Path) -> Iterator[str]:
    """The variables that move the sandbox's own services, but for the one that is published."""
    for metadata in sorted(sandbox.glob("services/*/metadata.json")):
        name = metadata.parent.name
        if name != OUR_SERVER and "port" in json.loads(metadata.read_text()):
            upper = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
            yield f"{upper}_PORT"


def port_holders(records: Records) -> dict[int, str]:
    """Each port that a machine has, or will want when it is started again."""
    return {
        port: f"machine {record.name}" for record in records.all() for port in record.all_ports()
    }
