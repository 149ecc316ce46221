"""The machine provider for a Docker engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from os2cli.core import deadline
from os2cli.core.errors import NotFound, TimedOut
from os2cli.core.models import (
    LOCAL_DOCKER,
    Address,
    Command,
    Health,
    LogRequest,
    Machine,
    MachineSpec,
    MachineState,
    Streams,
)
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import HostCertificates
from os2cli.host.tty import Terminal
from os2cli.machines.tarball import Packed
from os2cli.providers.any_bytes import in_utf8
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import HURRIED_SECONDS
from os2cli.providers.local_docker.images.images import drop_unused_image
from os2cli.providers.local_docker.machines.containers import (
    STOP_SECONDS,
    machine_from_inspection,
    remove_container,
    request_of,
    start_container,
)
from os2cli.providers.local_docker.machines.creation import ContainerCreation, reject_remote
from os2cli.providers.local_docker.machines.executions import LOGIN_SHELL, Execution
from os2cli.providers.local_docker.machines.finding import find_container
from os2cli.providers.local_docker.machines.insight import Insight, run_and_warn
from os2cli.providers.local_docker.machines.listing import list_machines
from os2cli.providers.local_docker.machines.logs import container_log
from os2cli.providers.local_docker.machines.mount import update_before_start
from os2cli.providers.local_docker.machines.moving import (
    COPY_SECONDS,
    remove_copies,
    start_moved,
)
from os2cli.providers.local_docker.machines.name_locks import NameLocks
from os2cli.providers.local_docker.machines.networks import remove_networks
from os2cli.providers.local_docker.machines.refusals import values_explained
from os2cli.providers.local_docker.machines.stops import mark_stop, was_asked_for
from os2cli.providers.loopback import probe_published, published_address, require_running
from os2cli.providers.service_log import service_log
from os2cli.providers.tar import pack, unpack

PROBE_SECONDS = 2.0
CHANGE_SECONDS = 60.0
LIST_SECONDS = 30.0
# Another process may be removing the container.
REMOVAL_SECONDS = 10.0
# What the engine itself needs to stop a machine.
ANSWER_SECONDS = 1.0


class LocalDockerMachines(Insight):
    """Containers with our labels; other containers are ignored.

    ``lock_dir`` keeps the locks of names; ``certificates`` are the host's extra ones, which every
    machine trusts.
    """

    type = LOCAL_DOCKER
    poll_seconds = 0.1

    def __init__(self, engine: Engine, lock_dir: Path, certificates: HostCertificates) -> None:
        self.engine = engine
        self.locks = NameLocks(lock_dir)
        self.certificates = certificates

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create and start a container on its own port; a failure leaves nothing behind."""
        reject_remote(self.engine.endpoint)
        creation = ContainerCreation(
            self.engine, self.certificates, spec, self.locks.creator, progress
        )
        # Outermost, so that a signal in the last moment also undoes.
        with creation.undoing.on_failure(), self.locks.held(spec.name), values_explained(spec):
            return machine_from_inspection(creation.create())

    def list(self) -> list[Machine]:
        """Return every container with our label, in any state."""
        with deadline.within(LIST_SECONDS):
            return list_machines(self.engine, self._inspect)

    def get(self, name: str) -> Machine:
        """Return the machine of that name; a foreign container is not a machine."""
        machine = self._find(name)
        if machine is None:
            raise NotFound(
                f"machine {name} not found",
                hint="list the machines: os2 machine list",
                code="machine_not_found",
            )
        return machine

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start the container on the port it was created with; update the tree that it copies."""
        with deadline.within(within or CHANGE_SECONDS):
            machine = self.get(name)
        update_before_start(self.engine, machine)
        with deadline.within(within or CHANGE_SECONDS):
            with self.engine.errors(f"starting machine {name}"):
                if machine.state is MachineState.PAUSED:
                    self.engine.client.unpause(machine.id)
                elif machine.state is not MachineState.RUNNING:
                    start_container(self.engine, machine.id, machine.port, machine=name)
            return self._inspect(machine.id)

    def start_on(self, name: str, port: int, within: float | None = None) -> Machine:
        """Start the machine on another port: in a new container, with its files and volumes."""
        with deadline.within(within or COPY_SECONDS), self.locks.held(name):
            machine = self.get(name)
            if machine.port == port:
                return self.start(name, within)
            update_before_start(self.engine, machine)
            inspection = self.engine.client.inspect_container(machine.id)
            return self._inspect(start_moved(self.engine, inspection, port))

    def stop(self, name: str, within: float | None = None) -> Machine:
        """Stop the container; it keeps its files and its port."""
        with deadline.within(within or CHANGE_SECONDS):
            machine = self.get(name)
            if machine.state in (MachineState.RUNNING, MachineState.PAUSED):
                # With less, the engine kills the programs early, and still answers in time.
                grace = max(1, int(min(STOP_SECONDS, (within or CHANGE_SECONDS) - ANSWER_SECONDS)))
                with self.engine.errors(f"stopping machine {name}"):
                    self.engine.client.stop(machine.id, timeout=grace)
                machine = self._inspect(machine.id)
                if machine.state is MachineState.FAILED and machine.startable:
                    mark_stop(self.engine, machine.id)
                    machine = replace(machine, state=MachineState.STOPPED)
            return machine

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Stop it: containers have no archive."""
        return self.stop(name, within)

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove the container and its volumes, and wait until they are gone."""
        with deadline.within(within or CHANGE_SECONDS):
            # After a failed create: whether the engine answers at all.
            with deadline.within(HURRIED_SECONDS if within else None):
                inspection = find_container(self.engine, name)
            if inspection is None:
                return self.remove_remnant(name)
            remove_copies(self.engine, inspection["Id"])
            remove_container(self.engine, inspection["Id"])
            self._wait_until_gone(name, inspection["Id"])
            remove_networks(self.engine, name, request=request_of(inspection))
        if image := inspection.get("Image"):
            drop_unused_image(self.engine.client, image)
        return True

    def _wait_until_gone(self, name: str, container: str) -> None:
        seconds = deadline.at_most(REMOVAL_SECONDS) or 0.0
        ends = time.monotonic() + seconds
        while (left := find_container(self.engine, name)) is not None and left["Id"] == container:
            if time.monotonic() > ends:
                raise TimedOut(
                    f"timed out after {seconds:.3g} s waiting for machine {name} to be removed",
                    hint="check the engine: os2 doctor",
                )
            time.sleep(0.1)

    def probe(self, machine: Machine) -> Health:
        """Request the daemon's health through the published port."""
        return probe_published(machine, PROBE_SECONDS)

    def address(self, machine: Machine) -> str | None:
        """Return the URL on this host."""
        return machine.url

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """Return the published port's address; other services answer behind it by name."""
        return published_address(machine, port, PROBE_SECONDS, signed_seconds)

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the end of the container's output."""
        return tuple(container_log(self.engine, self.get(name).id, LogRequest(tail=lines)))

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """Return the container's output, or the log file of a service."""
        if request.service is None:
            return container_log(self.engine, self.get(name).id, request)
        doing = f"reading the log of service {request.service}"
        return service_log(self._execution(name, doing), name, request)

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program in the container."""
        doing = f"running {command.argv[0]} in machine {name}"
        machine = require_running(self.get(name))
        return run_and_warn(
            Execution(self.engine, machine.id, doing), machine, in_utf8(command), streams
        )

    def shell(self, name: str, terminal: Terminal) -> int:
        """Run a login shell in the container."""
        doing = f"opening a shell in machine {name}"
        command = Command(LOGIN_SHELL, {"TERM": terminal.kind})
        with self.engine.errors(doing):
            return self._execution(name, doing).attach(terminal, command)

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar with the container's own program, as the container's user."""
        execution = self._execution(name, f"copying to machine {name}", copies=name)
        unpack(execution, name, archive, folder)

    def fetch(self, name: str, path: str) -> Packed:
        """Pack a file or a folder with the container's own program."""
        execution = self._execution(name, f"copying {path} from machine {name}", copies=name)
        return (yield from pack(execution, name, path))

    def _execution(self, name: str, doing: str, *, copies: str = "") -> Execution:
        """Return what runs programs in the machine; raise ``Conflict`` if it is not running."""
        machine = require_running(self.get(name))
        return Execution(self.engine, machine.id, doing, copies=copies)

    def _inspect(self, container: str) -> Machine:
        with self.engine.errors("reading a machine's state"):
            return self._machine(self.engine.client.inspect_container(container))

    def _find(self, name: str) -> Machine | None:
        inspection = find_container(self.engine, name)
        return self._machine(inspection) if inspection is not None else None

    def _machine(self, inspection: Mapping[str, Any]) -> Machine:
        machine = machine_from_inspection(inspection)
        if machine.state is MachineState.FAILED and was_asked_for(self.engine, inspection):
            return replace(machine, state=MachineState.STOPPED)
        if machine.state is MachineState.CREATING:
            marks = inspection["Config"].get("Labels") or {}
            return replace(machine, unfinished=self.locks.is_abandoned(machine.name, marks))
        return machine
